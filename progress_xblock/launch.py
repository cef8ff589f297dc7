"""The page of the mini-site that a block embeds, and the token it is launched with.

The token is in the URL's fragment, which browsers send to no server. It is issued when the page is
about to be loaded, not with the unit: a unit may stay open, or cached, for longer than the token
is good for.
"""

from __future__ import annotations

import logging
from typing import Any

from xblock.core import XBlock

from bridge import ConfigurationError, Identity, InvalidCompletion, Origin
from bridge.config import token_settings
from bridge.tokens import Tokens
from progress_xblock.base import BaseMixin
from progress_xblock.settings import mini_site
from progress_xblock.states import CompleteOn
from progress_xblock.studio_rules import wrong_path


class LaunchMixin(BaseMixin):
    """The embedded page of a block whose ``complete_on`` is ``page``."""

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def launch(self, data: object, suffix: str = "") -> dict[str, Any]:
        """The page's URL, with a token of 5 minutes for this learner and this grain.

        Without a learner (a preview, a masquerade), and on a platform without keys for tokens, the
        token is empty: launched for nobody, the page shows itself and records nothing. Without any
        it would take whoever looks at it for a guest, or for whom it was launched before.
        """
        url, learner = self._page_url(), self._learner()
        token = self._token(learner) if url and isinstance(learner, Identity) else None
        return {"url": f"{url}#token={token or ''}" if url else None}

    def _page_url(self) -> str | None:
        """The page's URL; None when there is none to embed."""
        site, path = self._site(), self.page_path or ""
        if self._way() is not CompleteOn.PAGE or not site or wrong_path(path):
            return None
        return f"{site}/{path.removeprefix('/')}"

    def _site(self) -> str | None:
        """The mini-site's URL; None when it is not set, or wrong: then the log says so."""
        try:
            return mini_site(self._block_settings())
        except ConfigurationError as error:
            self._say(logging.ERROR, "no page is embedded", error)
            return None

    def _token(self, learner: Identity) -> str | None:
        launcher = self._launcher()
        if launcher is None or not self.grain_id:
            return None
        try:
            return launcher.issue(learner, [self.grain_id])
        except (ConfigurationError, InvalidCompletion) as error:  # an id that was imported
            self._no_token(error)
            return None

    def _launcher(self) -> Tokens | None:
        """What issues learners' tokens; None where there is no key for them."""
        try:
            settings = token_settings(self._block_settings().get("tokens"))
            return Tokens(settings) if settings and settings.keys_for(Origin.FUNMOOC) else None
        except ConfigurationError as error:
            self._no_token(error)
            return None

    def _no_token(self, error: Exception) -> None:
        self._say(logging.ERROR, "the page gets no token", error)
