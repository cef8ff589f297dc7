"""The XBlock that FunMooc course authors insert: a grain, and a learner's word that it is done."""

from typing import Final

from progress_xblock import throttled_log
from progress_xblock.block import ProgressXBlock

notices: Final = throttled_log
"""The throttled log, by the name that the set-ups of tests outside know it by."""

__all__ = ["ProgressXBlock"]
