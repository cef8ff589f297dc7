"""The configuration: a module per section, where a setting's type and check stand."""

from bridge.config.delivery import DeliverySettings
from bridge.config.fields import Secret, as_mapping
from bridge.config.outbox import OUTBOX_SCHEMES, OutboxSettings
from bridge.config.service import RateLimits, ServiceSettings
from bridge.config.settings import CONFIG_VARIABLE, ENVIRONMENT, Settings
from bridge.config.store import SCHEMES, LearnerFields, Names, ProgressFields, StoreSettings
from bridge.config.tokens import TokenKey, TokenSettings, token_settings

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT",
    "OUTBOX_SCHEMES",
    "SCHEMES",
    "DeliverySettings",
    "LearnerFields",
    "Names",
    "OutboxSettings",
    "ProgressFields",
    "RateLimits",
    "Secret",
    "ServiceSettings",
    "Settings",
    "StoreSettings",
    "TokenKey",
    "TokenSettings",
    "as_mapping",
    "token_settings",
]
