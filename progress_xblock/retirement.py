"""A retired account: what waits of the learner is forgotten, what is recorded is erased.

Open edX retires an account in steps, and sends ``USER_RETIRE_LMS_MISC`` in one of them
(``LMSAccountRetirementView`` in ``openedx/core/djangoapps/user_api/accounts/views.py``). A receiver
that raises makes that step fail, with its text; the step is then run again.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from bridge import Bridge, Origin
from bridge.config import ENVIRONMENT
from progress_xblock import lms
from progress_xblock.health import block_settings
from progress_xblock.settings import PATIENT, settings_for

log = logging.getLogger(__name__)


def retire(sender: object, user: Any, **_: object) -> None:
    """Erase the learner, under each of the ids that the platform ever gave them.

    What waits in their states goes first: sent afterwards, it would come back. With an outbox the
    record is erased by its deliverer, also after an outage; without one, here and now.

    Args:
        sender: what retires the account.
        user: the Django user.

    Raises:
        ConfigurationError: a setting is wrong, so that nothing can be erased.
        OutboxUnavailable, StoreUnavailable, StoreMisconfigured: not all is erased or asked for.
            Retire the account again; to do it twice does no harm.
    """
    settings = block_settings()
    if not settings and not any(os.environ.get(name) for name in ENVIRONMENT):
        return  # the block is not in use: nothing was ever recorded
    lms.student_modules().forget(user.id)
    with Bridge.from_settings(settings_for(settings, timeouts=PATIENT)) as bridge:
        for anonymous_id in sorted(lms.anonymous_ids(user)):
            bridge.request_erasure(Origin.FUNMOOC, anonymous_id)
        done = "asked for" if bridge.outbox else "done"
    log.info("a retired account: the learner's erasure is %s", done)
