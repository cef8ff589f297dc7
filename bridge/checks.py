"""Findings: what a check of a store or an outbox found out, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at. What may be wrong is in the table of the guide.

    Attributes:
        ok: whether it is as it should be.
        fatal: whether, when it is not, completions are not recorded.
        message: what was found, in words.
        remedy: what to do about it, empty when ok.
    """

    ok: bool
    message: str
    remedy: str = ""
    fatal: bool = True
