"""What the plugin adds to the LMS's URLs, under ``progress-bridge/``."""

from __future__ import annotations

from django.urls import path

from progress_xblock.health import health

urlpatterns = [path("health", health, name="health")]
