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
from progress_xblock.studio_rules import is_wrong_path


class LaunchMixin(BaseMixin):
    """The embedded page of a block whose ``complete_on`` is ``page``."""

    @XBlock.json_handler
    def launch(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Answer the page's URL, with a token of 5 minutes for this learner and this grain.

        Without a learner (a preview, a masquerade), and on a platform without keys for tokens, the
        token is empty: launched for nobody, the page shows itself and records nothing. Without any
        it would take whoever looks at it for a guest, or for whom it was launched before.
        """
        url, learner = self._page_url(), self._learner()
        token = self._token(learner) if url and isinstance(learner, Identity) else None
        return {"url": f"{url}#token={token or ''}" if url else None}

    def _page_url(self) -> str | None:
        """Return the page's URL, or None when there is none to embed."""
        site, path = self._mini_site(), self.page_path or ""
        if self._way() is not CompleteOn.PAGE or not site or is_wrong_path(path):
            return None
        return f"{site}/{path.removeprefix('/')}"

    def _mini_site(self) -> str | None:
        """Return the mini-site's URL, or None when it is not set, or wrong, which is logged."""
        try:
            return mini_site(self._block_settings())
        except ConfigurationError as error:
            self._log_throttled(logging.ERROR, "no page is embedded", error)
            return None

    def _token(self, learner: Identity) -> str | None:
        issuer = self._token_issuer()
        if issuer is None or not self.grain_id:
            return None
        try:
            return issuer.issue(learner, [self.grain_id])
        except (ConfigurationError, InvalidCompletion) as error:  # an id that was imported
            self._log_no_token(error)
            return None

    def _token_issuer(self) -> Tokens | None:
        """Return what issues learners' tokens, or None where there is no key for them."""
        try:
            settings = token_settings(self._block_settings().get("tokens"))
            return Tokens(settings) if settings and settings.keys_for(Origin.FUNMOOC) else None
        except ConfigurationError as error:
            self._log_no_token(error)
            return None

    def _log_no_token(self, error: Exception) -> None:
        self._log_throttled(logging.ERROR, "the page gets no token", error)
