"""Does Directus take ordinary rows just now? Asked with a write that is never carried out.

When Directus refuses a row, or answers 500 to it, the row may be at fault, or the server, or a
field that somebody made compulsory. An array that holds the same made-up row twice tells them
apart: arrays are written whole or not at all, so the unique constraint refuses it, and that this
is the refusal shows that the row itself would have been taken.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from bridge.config import Names
from bridge.json_format import isoformat
from bridge.model import Origin
from bridge.stores.directus_clash import NO_SUCH_PARENT, NOT_UNIQUE, Unique, clash
from bridge.stores.directus_http import DirectusClient
from bridge.stores.directus_rows import Row, attempt

_TAKEN = frozenset({NOT_UNIQUE, NO_SUCH_PARENT})
"""Refusals that come after a row was taken: of its double, or of the impossible row behind them."""


class Probe:
    """Asks, for each of the two collections.

    Args:
        client: the server.
        names: the data owner's names.
    """

    def __init__(self, client: DirectusClient, names: Names) -> None:
        self._client = client
        self._names = names

    def learners(self, row: Row) -> None:
        """Return when the learners' collection takes ordinary rows.

        Raises:
            StoreUnavailable: the server fails on them just now.
            StoreMisconfigured: they are refused, too.
        """
        of = self._names.learner_fields
        made_up = {
            of.origin: str(Origin.DIRECT),
            of.external_user_id: str(uuid.uuid4()),
            of.date_creation: isoformat(datetime.now(UTC)),
        }
        self._ask(self._names.learners, of.id, made_up, {of.origin: None})

    def progress(self, row: Row) -> None:
        """Return when the progress collection takes ordinary rows of the learner of ``row``.

        Raises:
            StoreUnavailable: the server fails on them just now.
            StoreMisconfigured: they are refused, too.
        """
        of = self._names.progress_fields
        made_up = {
            of.learner: row[of.learner],
            of.grain_id: f"progress-bridge-probe-{uuid.uuid4()}",
            of.module_id: None,
            of.sequence_id: None,
            of.completed_at: isoformat(datetime.now(UTC)),
        }
        self._ask(self._names.progress, of.id, made_up, {of.learner: 0})

    def _ask(self, collection: str, key: str, made_up: Row, impossible: Row) -> None:
        rows = [made_up, made_up, {**made_up, **impossible}]
        refusal = attempt(self._client, collection, key, rows)
        unique = Unique(collection, key, ())
        if refusal is not None and unique.on_key(clash(refusal)):
            raise unique.behind()
        if refusal is not None and refusal.code not in _TAKEN:
            hint = "whatever the row; is a field compulsory, does a rule or a flow refuse it?"
            raise refusal.whatever_is_asked(f"/items/{collection}", hint)
