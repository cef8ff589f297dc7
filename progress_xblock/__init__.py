"""The XBlock that FunMooc course authors insert: a grain, and a learner's word that it is done."""

from progress_xblock.block import ProgressXBlock

__all__ = ["ProgressXBlock"]
