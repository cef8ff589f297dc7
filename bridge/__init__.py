"""One learner record for three front doors: FunMooc, Moodle and the direct site.

>>> from bridge import Bridge
>>> with Bridge.from_config() as bridge:  # doctest: +SKIP
...     bridge.record("moodle", 12345, "grain-1", module_id="module-1")
"""

from bridge.config import Settings
from bridge.errors import (
    BeingDelivered,
    BridgeClosed,
    BridgeError,
    CompletionRejected,
    ConfigurationError,
    InvalidCompletion,
    InvalidIdentity,
    InvalidInput,
    InvalidToken,
    OutboxUnavailable,
    RuleCode,
    StoreError,
    StoreMisconfigured,
    StoreUnavailable,
)
from bridge.facade import Bridge
from bridge.model import Completion, Identity, Learner, Origin, Outcome, Progress, Status
from bridge.support.nesting import check_json, load_json

__version__ = "0.1.0"

__all__ = [
    "BeingDelivered",
    "Bridge",
    "BridgeClosed",
    "BridgeError",
    "Completion",
    "CompletionRejected",
    "ConfigurationError",
    "Identity",
    "InvalidCompletion",
    "InvalidIdentity",
    "InvalidInput",
    "InvalidToken",
    "Learner",
    "Origin",
    "OutboxUnavailable",
    "Outcome",
    "Progress",
    "RuleCode",
    "Settings",
    "Status",
    "StoreError",
    "StoreMisconfigured",
    "StoreUnavailable",
    "check_json",
    "load_json",
]
