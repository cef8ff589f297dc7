"""The real servers that tests and the demo run, on free ports of 127.0.0.1.

One module for each kind. Every server has ``start()``, ``stop()``, ``kill()`` (as a crash would),
may be started again, writes its log to a file in its folder, and is a context manager.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache"
"""The one ignored folder: all that is downloaded, and what is made of it."""
