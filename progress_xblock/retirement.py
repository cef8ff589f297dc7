"""A retired account: what waits of the learner is forgotten, what is recorded is erased.

Open edX retires an account in steps, and sends ``USER_RETIRE_LMS_MISC`` in one of them
(``LMSAccountRetirementView`` in ``openedx/core/djangoapps/user_api/accounts/views.py``). A receiver
that raises makes that step fail, with its text. The step is then run again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from bridge import Bridge, ConfigurationError, Identity, InvalidIdentity, Origin
from bridge.config import ENVIRONMENT
from progress_xblock import lms
from progress_xblock.health import block_settings
from progress_xblock.settings import SETTINGS_KEY, settings_for

log = logging.getLogger(__name__)


_NOTHING_SET: Final = (
    f"XBLOCK_SETTINGS[{SETTINGS_KEY!r}] is not set, and the learner has states of the block: set "
    "it as it was, so that they are erased from the record too, then retire the account again"
)


def retire(sender: object, user: Any, **_: object) -> None:
    """Erase the learner, under each of the ids that the platform ever gave them.

    What waits in their states goes first: sent afterwards, it would come back. With an outbox the
    record is erased by its deliverer, also after an outage. Without one it is erased here
    and now.

    Args:
        sender: what retires the account.
        user: the Django user.

    Raises:
        ConfigurationError: a setting is wrong or missing, so that nothing can be erased.
        OutboxUnavailable, StoreUnavailable, StoreMisconfigured: not all is erased or asked for.
            Retire the account again: to do it twice does no harm.
    """
    states = lms.student_modules()
    states.forget(user.id)
    settings = {name: value for name, value in block_settings().items() if name != "tokens"}
    if not settings and not any(os.environ.get(name) for name in ENVIRONMENT):
        if states.has_any(user.id):
            raise ConfigurationError(_NOTHING_SET)
        return  # the block is not in use
    with Bridge.from_settings(settings_for(settings)) as bridge:
        for identity in _identities(user):
            bridge.request_erasure(identity.origin, identity.external_user_id)
        done = "asked for" if bridge.outbox else "done"
    log.info("a retired account: the learner's erasure is %s", done)


def _identities(user: Any) -> Iterator[Identity]:
    """Give every identity that the learner may have in the record, in a fixed order."""
    for anonymous_id in sorted(lms.anonymous_ids(user)):
        with suppress(InvalidIdentity):  # under such an id nothing can have been recorded
            yield Identity(Origin.FUNMOOC, anonymous_id)
