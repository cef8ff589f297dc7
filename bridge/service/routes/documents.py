"""``/bridge.js``, and ``/docs`` from our own server: no third party sees who reads it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from bridge.service.http.problems import Problem

router: Final = APIRouter(include_in_schema=False)

STATIC: Final = Path(__file__).parents[1] / "static"

_SWAGGER_UI: Final = Path(str(files("fastapi_offline"))) / "static"
_ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}
_DOCS: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Progress bridge: API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body><div id="docs"></div></body>
</html>
"""
_START: Final = "SwaggerUIBundle({url: 'openapi.json', dom_id: '#docs', deepLinking: true});\n"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/bridge.js")
async def bridge_js(request: Request) -> Response:
    """Send the module for pages, which browsers keep for an hour."""
    path = STATIC / "bridge.js"
    if not path.is_file():
        raise Problem(404, "there is no bridge.js in this installation")
    return _file(request, path, "text/javascript")


@router.get("/docs")
async def docs() -> Response:
    """Send the page on which the API is read and tried out."""
    return Response(_DOCS, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """Send the script that starts the page: the policy allows none in the page itself."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    """Send a file that the page consists of."""
    if name not in _ASSETS:
        raise Problem(404, "there is no such file")
    return _file(request, _SWAGGER_UI / name, _ASSETS[name])


def _file(request: Request, path: Path, media_type: str) -> Response:
    content, tag = _content(path, path.stat().st_mtime_ns)
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=3600",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@lru_cache(maxsize=8)
def _content(path: Path, _: int) -> tuple[bytes, str]:
    """Return the file's content and its tag, which is the same in every worker and machine."""
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:24]}"'
