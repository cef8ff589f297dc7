"""Whom the demo knows: learners that are chosen by ``?student=``, and a visitor."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from django.http import HttpRequest

from bridge.origins.direct import account

LEARNERS: Final = {"camille": "Camille", "sacha": "Sacha"}
ACCOUNT: Final = account("https://www.example.org", 42)
"""Whom a direct site with accounts would launch the mini-site for."""

MOODLE_USER: Final = 12345

VISITOR: Final = "visiteur"
"""Nobody is logged in."""


def platform_id(student: str) -> str:
    """Return the learner's platform-wide anonymous id: 32 hex digits, always the same."""
    return hashlib.md5(f"platform:{student}".encode(), usedforsecurity=False).hexdigest()


def course_id(student: str) -> str:
    """Return the same learner's id in the demo's one course."""
    return hashlib.md5(f"course:{student}".encode(), usedforsecurity=False).hexdigest()


def everybody(request: HttpRequest) -> dict[str, Any]:
    """Return the people for the page's menu."""
    return {"people": {**LEARNERS, VISITOR: "Sans connexion"}.items()}
