"""The Django app that the LMS and Studio find by its entry points. The block works without it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.apps import AppConfig

from bridge import ConfigurationError
from progress_xblock.settings import check_settings

log = logging.getLogger(__name__)

_LMS: Final = "ProgressXBlock keeps completions until this is mended: %s"
_STUDIO: Final = "ProgressXBlock: previews are wrong until this is mended in Studio: %s"


class ProgressXBlockConfig(AppConfig):
    """Says at the start whether the settings are right, and adds to the LMS what the block needs.

    That is the health check, the receiver of retired accounts, and, by being an app, the command.
    ``plugin_app`` is what edx-django-utils reads (``edx_django_utils/plugins/constants.py``).
    """

    name = "progress_xblock"
    verbose_name = "Progress bridge"
    plugin_app: ClassVar[dict[str, Any]] = {
        "url_config": {
            "lms.djangoapp": {
                "namespace": "progress_xblock",
                "regex": r"^progress-bridge/",
                "relative_path": "urls",
            }
        },
        "signals_config": {
            "lms.djangoapp": {
                "relative_path": "retirement",
                "receivers": [
                    {
                        "receiver_func_name": "retire",
                        "signal_path": "openedx.core.djangoapps.user_api.accounts.signals"
                        ".USER_RETIRE_LMS_MISC",
                    }
                ],
            }
        },
    }

    def ready(self) -> None:
        """Read the settings once, and log in one line what is wrong with them."""
        from progress_xblock.health import block_settings  # the settings are not read before this

        message = _STUDIO if _is_studio() else _LMS
        try:
            settings = block_settings()
            check_settings(_for_previews(settings) if _is_studio() else settings)
        except ConfigurationError as error:
            log.error(message, error)
        except Exception as error:  # noqa: BLE001  # nothing of a block may keep an LMS from starting
            log.error("ProgressXBlock cannot read its settings (%s)", type(error).__name__)


def _is_studio() -> bool:
    """Return whether this is Studio's process, which edX names in its settings."""
    from django.conf import settings

    return getattr(settings, "SERVICE_VARIANT", None) == "cms"


def _for_previews(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with a store in them, which Studio does without: it records nothing."""
    return settings if "outbox" in settings else {"store": {"url": "memory:"}, **settings}
