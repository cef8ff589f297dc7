"""The Flask site with a way to sign in, for the tests."""

from __future__ import annotations

from flask import session

from tests.direct.flask_site import app


@app.post("/sign-in/<int:user_id>")
def sign_in(user_id: int) -> str:
    session["user_id"] = user_id
    return ""
