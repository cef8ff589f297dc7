"""The configuration, and its sections."""

from bridge.config.fields import Secret
from bridge.config.service import RateLimits, ServiceSettings
from bridge.config.settings import (
    CONFIG_VARIABLE,
    ENVIRONMENT,
    OUTBOX_SCHEMES,
    SCHEMES,
    DeliverySettings,
    LearnerFields,
    Names,
    OutboxSettings,
    ProgressFields,
    Settings,
    StoreSettings,
)
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
    "token_settings",
]
