"""The block itself: who is there, what they did, and what to tell them.

What it knows of the store is what `bridge` raises. Its views open no connection: what has to be
sent is sent by a handler, which the page's script calls.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock

from bridge import BridgeError, Identity
from bridge.origins import funmooc
from bridge.origins.funmooc import NoLearner, WhyNot
from progress_xblock.deployment import learner_id
from progress_xblock.sending import SendingMixin
from progress_xblock.studio import StudioMixin
from progress_xblock.texts import DONE, WAITING
from progress_xblock.views import ViewsMixin

log = logging.getLogger(__name__)


@XBlock.needs("i18n")
@XBlock.wants("settings", "user")
class ProgressXBlock(
    ViewsMixin,
    SendingMixin,
    StudioMixin,
    CompletableXBlockMixin,  # type: ignore[misc]  # XBlock is not typed
    XBlock,  # type: ignore[misc]
):
    """A learner's word that a grain is done, recorded through the bridge.

    Completes as done-xblock does: `has_custom_completion`, one `completion` event of 1.0.
    """

    block_settings_key = "ProgressXBlock"
    icon_class = "other"

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def complete(self, data: object, suffix: str = "") -> dict[str, Any]:
        """The learner says that the grain is done. Nothing else is taken from the browser."""
        learner = self._learner()
        if isinstance(learner, Identity) and self._state not in DONE and self.grain_id:
            self._complete(learner)
        return self._face(learner)

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def send_pending(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Pass on what an earlier visit could not."""
        learner = self._learner()
        if isinstance(learner, Identity) and self._state in WAITING:
            self._send(learner)
        return self._face(learner)

    def _learner(self) -> Identity | WhyNot:
        """The learner in front of the block, or why there is none."""
        settings = self.runtime.service(self, "settings")
        # A library that is being authored has no settings service, and its authors have real ids.
        authoring = settings is None or bool(getattr(self.runtime, "is_author_mode", False))
        users = self.runtime.service(self, "user")
        try:
            return funmooc.identity(users, learner_id(self._block_settings()), authoring=authoring)
        except BridgeError as error:
            why = error.why if isinstance(error, NoLearner) else WhyNot.NO_ID
            if why is WhyNot.NO_ID:
                log.error("%s: nothing can be recorded: %s", self.scope_ids.usage_id, error)
            return why

    def _block_settings(self) -> Mapping[str, Any]:
        service = self.runtime.service(self, "settings")
        return (service.get_settings_bucket(self) if service else None) or {}
