"""From a learner's click to the bridge, and what is kept of it meanwhile."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from xblock.core import XBlockMixin
from xblock.fields import DateTime, Dict, Scope, String

from bridge import (
    BridgeError,
    Completion,
    CompletionRejected,
    ConfigurationError,
    Identity,
    InvalidInput,
    Outcome,
    Status,
    StoreMisconfigured,
)
from progress_xblock.deployment import bridge_for
from progress_xblock.texts import WAITING, State

log = logging.getLogger(__name__)


class SendingMixin(XBlockMixin):  # type: ignore[misc]  # XBlock is not typed
    """What becomes of a completion. Nothing here raises because something else is down."""

    state = String(
        help="How far the learner's completion has come.",
        default=State.NONE.value,
        scope=Scope.user_state,
    )
    completed_at = DateTime(
        help="When the learner completed the grain.", default=None, scope=Scope.user_state
    )
    pending = Dict(
        help="The ids of the completion that is still to be passed on, as they were then.",
        default={},
        scope=Scope.user_state,
    )

    @property
    def _state(self) -> State:
        return State(self.state)

    def _complete(self, learner: Identity) -> None:
        """Keep the completion in the learner's state, send it, and tell the platform."""
        first = self.completed_at is None
        if self._state not in WAITING:
            self.completed_at = self.completed_at or _now()
            self.pending = {
                "grain_id": self.grain_id,
                "module_id": self.module_id or None,
                "sequence_id": self.sequence_id or None,
            }
        self._send(learner)
        if first:
            self.emit_completion(1.0)

    def _send(self, learner: Identity) -> None:
        """Record what is pending; whatever happens, the state says so and nothing is raised."""
        try:
            completion = Completion(learner, completed_at=self.completed_at, **self.pending)
            accepted = self._record(completion).status is Status.ACCEPTED
        except (CompletionRejected, InvalidInput) as error:
            log.error("%s: the completion cannot be recorded: %s", self.scope_ids.usage_id, error)
            self.state = State.REFUSED.value
        except (ConfigurationError, StoreMisconfigured) as error:
            log.error("%s: kept until this is mended: %s", self.scope_ids.usage_id, error)
            self.state = State.HELD.value
        except BridgeError as error:
            log.warning("%s: the completion is kept for later: %s", self.scope_ids.usage_id, error)
            self.state = State.PENDING.value
        else:
            self.state = (State.ACCEPTED if accepted else State.DONE).value
            self.pending = {}

    def _record(self, completion: Completion) -> Outcome:
        return bridge_for(self._block_settings()).record(
            completion.identity.origin,
            completion.identity.external_user_id,
            completion.grain_id,
            module_id=completion.module_id,
            sequence_id=completion.sequence_id,
            completed_at=completion.completed_at,
        )


def _now() -> datetime:
    """Now, cut to the millisecond as the bridge cuts it: the state and the row say the same."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
