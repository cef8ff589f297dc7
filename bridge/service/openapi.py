"""The shapes of requests and answers, for the OpenAPI document alone.

`bridge.service.parsing` checks requests, by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema, models_json_schema

from bridge.errors import RuleCode
from bridge.model import MAX_TEXT, Origin
from bridge.service.auth.keys import KeyRight
from bridge.service.http.problems import MEDIA_TYPE
from bridge.service.parsing import MAX_COMPLETIONS_PER_REQUEST

_IdText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
_GUEST_ID: Final = "0b6c1c1e-3f1a-4a53-9f0e-2f6f2f3c9d11"
COMPLETION_EXAMPLE: Final[dict[str, Any]] = {
    "origin": "moodle",
    "external_user_id": 12345,
    "grain_id": "grain-1",
    "module_id": "module-1",
    "sequence_id": "sequence-1",
    "completed_at": "2026-01-31T12:00:00Z",
}


COMPLETION_BODIES: Final = {
    "one": COMPLETION_EXAMPLE,
    "several": [
        COMPLETION_EXAMPLE,
        {"origin": "direct", "external_user_id": _GUEST_ID, "grain_id": "grain-2"},
    ],
    "with a learner token": {"grain_id": "grain-1"},
}
"""Bodies of `POST /v1/completions`."""

_RESULTS_EXAMPLE: Final[dict[str, Any]] = {
    "accepted": 1,
    "refused": 1,
    "results": [
        {"status": "accepted"},
        {
            "status": "refused",
            "field": "external_user_id",
            "rule": "not decimal digits",
            "value": "'ada'",
            "code": "not_digits",
        },
    ],
}


class Completion(BaseModel):
    """A learner finished a grain. With a learner token it need not say who the learner is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [COMPLETION_EXAMPLE]})

    origin: Origin | SkipJsonSchema[None] = Field(
        default=None, description="The front door the learner came through."
    )
    external_user_id: str | int | SkipJsonSchema[None] = Field(
        default=None,
        description="The id that the platform knows the learner by: an integer for moodle, "
        "a UUID for direct.",
    )
    grain_id: _IdText = Field(description="What was finished; printable characters.")
    module_id: _IdText | None = None
    sequence_id: _IdText | None = None
    completed_at: datetime | None = Field(
        default=None, description="RFC 3339 with an offset; now unless given. The earliest wins."
    )
    email: str | None = Field(
        default=None,
        max_length=MAX_TEXT,
        description="Kept only where the bridge is told to. Not with a learner token.",
    )


class Result(BaseModel):
    """What became of one item."""

    status: Literal["accepted", "refused"]
    field: str | None = Field(default=None, description="Of a refused item: what breaks a rule.")
    rule: str | None = Field(default=None, description="The rule, in words.")
    value: str | None = Field(default=None, description="What the field held, cut.")
    code: RuleCode | None = Field(
        default=None, description="The rule, for programs: a code never changes its meaning."
    )
    retry_after: int | None = Field(
        default=None,
        ge=1,
        description="Of a refusal that time heals: send the item again after so many seconds.",
    )


class Results(BaseModel):
    """What became of the items, in their order."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RESULTS_EXAMPLE]})

    accepted: int = Field(ge=0, le=MAX_COMPLETIONS_PER_REQUEST)
    refused: int = Field(ge=0, le=MAX_COMPLETIONS_PER_REQUEST)
    results: list[Result] = Field(min_length=1, max_length=MAX_COMPLETIONS_PER_REQUEST)


class ProblemDetails(BaseModel):
    """What is wrong, as problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


class ProgressItem(BaseModel):
    """A grain that the learner finished."""

    grain_id: str
    module_id: str | None
    sequence_id: str | None
    completed_at: datetime | None


class ProgressPage(BaseModel):
    """A part of a learner's record, earliest first."""

    items: list[ProgressItem]
    next: str | None = Field(description="For `after`, to get what follows; null at the end.")


class LearnerBody(BaseModel):
    """What is told of a learner."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(default=None, max_length=MAX_TEXT)


class LearnerRow(BaseModel):
    """A learner, as recorded."""

    origin: Origin
    external_user_id: str
    date_creation: datetime | None


class ExportedLearner(LearnerRow):
    """A learner, with what is personal."""

    email: str | None


class Export(BaseModel):
    """All that is kept of a learner."""

    learner: ExportedLearner
    progress: list[ProgressItem]


class Right(StrEnum):
    """What a key may do with the learners of its origins."""

    # The document calls `KeyRight` so, and clients are made from it.
    WRITE = KeyRight.WRITE
    READ = KeyRight.READ
    ERASE = KeyRight.ERASE


class ServerKeyInfo(BaseModel):
    """What a server key may do."""

    kind: Literal["server"]
    name: str
    origins: list[Origin]
    rights: list[Right]
    version: str


class LearnerTokenInfo(BaseModel):
    """Whom a learner token is for."""

    kind: Literal["learner"]
    origin: Origin
    external_user_id: str
    grains: list[str] | None = Field(description="The grains it is good for; null for any.")
    expires_at: datetime
    version: str


_GUEST_EXAMPLE: Final[dict[str, Any]] = {
    "token": "eyJhbGciOiJIUzI1NiIsImtpZCI6IjIwMjYtMTEiLCJ0eXAiOiJKV1QifQ.….…",
    "external_user_id": _GUEST_ID,
    "expires_at": "2027-12-22T12:00:00.000Z",
}


class Guest(BaseModel):
    """A new guest of the direct site."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GUEST_EXAMPLE]})

    token: str
    external_user_id: str
    expires_at: datetime


class Ready(BaseModel):
    """Whether completions are accepted, and how the rest is doing."""

    outbox: str
    store: str


_DESCRIPTIONS: Final = {
    400: "The body is not JSON.",
    401: "The key or token is missing or not valid.",
    403: "This key or token is not for this. Nothing was done.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    413: "The body is over 1 MB.",
    415: "The body is not sent as application/json, or is compressed.",
    422: "A value breaks a rule.",
    429: "Too many requests; Retry-After tells for how long to wait.",
    503: "Not now; nothing was done. Retry-After tells for how long to wait.",
}


SECURED: Final[dict[str, Any]] = {"security": [{"bearer": []}]}
"""What the document says of a route that needs a key or a token."""

_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A server key (`pb_…`) or a learner token (a JWT).",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the responses of a route that are problem details."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def body(
    model: type[BaseModel],
    *,
    required: bool,
    many: bool = False,
    examples: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a request body that the route reads by itself."""
    one: dict[str, Any] = {"$ref": f"#/components/schemas/{model.__name__}"}
    schema = one
    if many:
        bounds = {"minItems": 1, "maxItems": MAX_COMPLETIONS_PER_REQUEST}
        schema = {"oneOf": [one, {"type": "array", "items": one, **bounds}]}
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def add_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """Add the shapes that routes refer to by name alone to the OpenAPI document."""
    models = [(model, "validation") for model in (Completion, LearnerBody, ProblemDetails)]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    document["components"]["schemas"] |= found["$defs"]
    document["components"]["securitySchemes"] = {"bearer": _BEARER}
    return document
