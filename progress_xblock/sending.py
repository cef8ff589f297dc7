"""From a learner's click to the bridge, and what is kept of it meanwhile."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from xblock.core import XBlockMixin
from xblock.fields import DateTime, Dict, Scope, String

from bridge import (
    Bridge,
    BridgeError,
    Completion,
    CompletionRejected,
    ConfigurationError,
    Identity,
    InvalidInput,
    Status,
    StoreMisconfigured,
)
from bridge.outbox.written import restore
from progress_xblock.deployment import bridge_for, budget, puts_into_file, section
from progress_xblock.notices import notice
from progress_xblock.patience import within
from progress_xblock.texts import WAITING, State

log = logging.getLogger(__name__)


class SendingMixin(XBlockMixin):  # type: ignore[misc]  # XBlock is not typed
    """What becomes of a completion. Whatever fails, it is kept, and the state tells the truth."""

    state = String(
        help="How far the learner's completion has come.",
        default=State.NONE.value,
        scope=Scope.user_state,
    )
    completed_at = DateTime(
        help="When the learner completed the grain.", default=None, scope=Scope.user_state
    )
    pending = Dict(
        help="The completion that is still to be passed on, with the ids as they were then.",
        default={},
        scope=Scope.user_state,
    )

    @property
    def _state(self) -> State:
        return State(self.state)

    def _complete(self, learner: Identity) -> None:
        """Keep the completion in the learner's state, and pass it on."""
        if self._state not in WAITING:
            self.completed_at = self.completed_at or _now()
            self.pending = {}
        self._send(learner)

    def _send(self, learner: Identity) -> None:
        """Pass on what is kept; the state says what came of it. Takes no longer than the budget."""
        try:
            completion = restore(self.pending) or self._completion(learner)
            self.pending = completion.as_dict()
            status = self._pass_on(completion)
        except (CompletionRejected, InvalidInput) as error:
            log.error("%s: the completion cannot be recorded: %s", self.scope_ids.usage_id, error)
            self.state = State.REFUSED.value
        except (ConfigurationError, StoreMisconfigured) as error:
            self._say(logging.ERROR, "completions are kept until this is mended", error)
            self.state = State.HELD.value
        except BridgeError as error:
            self._say(logging.WARNING, "completions are kept for later", error)
            self.state = State.PENDING.value
        except Exception as error:  # noqa: BLE001  # a bug must not cost the learner's work
            self._say(logging.ERROR, "completions are kept for later", _Unexpected(error))
            self.state = State.PENDING.value
        else:
            self.state = (State.ACCEPTED if status is Status.ACCEPTED else State.DONE).value
            self.pending = {}

    def _completion(self, learner: Identity) -> Completion:
        return Completion(
            learner,
            self.grain_id,
            self.module_id or None,
            self.sequence_id or None,
            self.completed_at,
        )

    def _pass_on(self, completion: Completion) -> Status:
        settings = self._block_settings()
        bridge = bridge_for(settings)
        record = partial(_record, bridge, completion)
        return record() if puts_into_file(bridge) else within(budget(settings), record)

    def _say(self, level: int, what: str, error: Exception) -> None:
        notice(level, self.scope_ids.usage_id, what, error)

    def _block_settings(self) -> Mapping[str, Any]:
        service = self.runtime.service(self, "settings")
        return section(service.get_settings_bucket(self) if service else None)


class _Unexpected(Exception):
    """A bug, told by its type and its place: nobody knows what its text holds."""

    def __init__(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        super().__init__(f"unexpected {type(error).__name__} in {place.filename}:{place.lineno}")


def _record(bridge: Bridge, completion: Completion) -> Status:
    # Not `bridge.record`, which holds the instant against today's clock: what was kept was valid.
    (outcome,) = bridge.record_many([completion])
    return outcome.confirmed().status


def _now() -> datetime:
    """Now, cut to the millisecond as the bridge cuts it: the state and the row say the same."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
