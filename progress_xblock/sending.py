"""From a learner's click to the bridge, and what is kept of it meanwhile."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial

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
from bridge.origins import funmooc
from bridge.origins.funmooc import WhyNot
from progress_xblock.base import BaseMixin, UnexpectedError
from progress_xblock.settings import bridge_for, budget, click_settings, puts_into_file
from progress_xblock.states import WAITING_STATES, State
from progress_xblock.time_limit import within

log = logging.getLogger(__name__)


class SendingMixin(BaseMixin):
    """What becomes of a completion. Whatever fails, it is kept, and the state tells the truth."""

    def _complete(self, learner: Identity | WhyNot) -> None:
        """Keep the completion in the learner's state, and pass it on."""
        if self._state not in WAITING_STATES:
            self.completed_at = self.completed_at or _now()
            self.pending = {}
        self._send(learner)

    def _send(self, learner: Identity | WhyNot) -> None:
        """Pass on what is kept, and say in the state what came of it.

        It takes no longer than the budget. While the settings do not tell who the learner is,
        it is held.
        """
        try:
            if isinstance(learner, WhyNot):
                raise ConfigurationError("learner_id is not known")
            completion = self._kept_completion(learner)
            self.pending = completion.as_dict()
            status = self._pass_on(completion)
        except (CompletionRejected, InvalidInput) as error:
            log.error("%s: the completion cannot be recorded: %s", self.scope_ids.usage_id, error)
            healed = isinstance(error, InvalidInput) and error.retry_after  # by time: clocks differ
            self.state = (State.PENDING if healed else State.REFUSED).value
        except (ConfigurationError, StoreMisconfigured) as error:
            self._log_throttled(logging.ERROR, "completions are kept until this is mended", error)
            self._hold()
        except BridgeError as error:
            self._log_throttled(logging.WARNING, "completions are kept for later", error)
            self.state = State.PENDING.value
        except Exception as error:  # noqa: BLE001  # a bug must not cost the learner's work
            self._log_throttled(
                logging.ERROR, "completions are kept for later", UnexpectedError(error)
            )
            self.state = State.PENDING.value
        else:
            self.state = (State.ACCEPTED if status is Status.ACCEPTED else State.DONE).value
            self.pending = {}

    def _hold(self) -> None:
        """Keep what there is until somebody has mended a setting or the store."""
        self.state = State.HELD.value
        self.completed_at = self.completed_at or _now()
        if not self.pending:
            ids = {name: getattr(self, name) for name in ("grain_id", "module_id", "sequence_id")}
            instant = {"completed_at": self.completed_at.isoformat(timespec="milliseconds")}
            self.pending = {name: text for name, text in ids.items() if text} | instant

    def _kept_completion(self, learner: Identity) -> Completion:
        """Return what is kept of the learner's completion, made anew where that cannot be read.

        It is the bound learner's, whatever it says: a state may come from elsewhere. It keeps
        another id of theirs, under which it was completed (`settings.learner_id` was changed).
        """
        kept = Completion.restore(self.pending)
        users = self.runtime.service(self, "user")
        if kept is None or kept.identity not in {learner, *funmooc.identities(users)}:
            kept = Completion.restore({**(self.pending or {}), **learner.as_dict()})
        kept = kept or self._new_completion(learner)
        self.completed_at = self.completed_at or kept.completed_at
        return kept

    def _new_completion(self, learner: Identity) -> Completion:
        return Completion(
            learner,
            self.grain_id,
            self.module_id or None,
            self.sequence_id or None,
            self.completed_at or _now(),
        )

    def _pass_on(self, completion: Completion) -> Status:
        block_settings = self._block_settings()
        settings = click_settings(block_settings)
        record = partial(_record, bridge_for(settings), completion)
        return record() if puts_into_file(settings) else within(budget(block_settings), record)


def _record(bridge: Bridge, completion: Completion) -> Status:
    # Not `bridge.record`, which holds the instant against today's clock: what was kept was valid.
    (outcome,) = bridge.record_many([completion])
    return outcome.confirmed().status


def _now() -> datetime:
    """Return now, cut to the millisecond as the bridge cuts it, so that state and row agree."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
