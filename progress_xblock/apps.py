"""The Django app that the LMS finds by its entry point; the block works without it."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.apps import AppConfig  # type: ignore[import-untyped]

from bridge import ConfigurationError
from progress_xblock.deployment import check

log = logging.getLogger(__name__)


class ProgressXBlockConfig(AppConfig):  # type: ignore[misc]  # Django is not typed
    """Says at the LMS's start whether the settings are right; adds its health and its command.

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
        }
    }

    def ready(self) -> None:
        """Read the settings once; one line says what is wrong with them."""
        from progress_xblock.health import block_settings  # the settings are not read before this

        try:
            check(block_settings())
        except ConfigurationError as error:
            log.error("ProgressXBlock keeps completions until this is mended: %s", error)
        except Exception as error:  # noqa: BLE001  # nothing of a block may keep an LMS from starting
            log.error("ProgressXBlock cannot read its settings (%s)", type(error).__name__)
