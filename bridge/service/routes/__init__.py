"""The routes of the HTTP API: one module for each kind of thing they are about."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Response


def json_response(body: Any, status: int = 200) -> Response:
    """Return a response with a JSON body that is known to have the right shape."""
    return Response(orjson.dumps(body), status, media_type="application/json")
