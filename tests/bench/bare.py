"""What the service is measured against: a route that validates the same body and answers 202."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI()

Id = Annotated[str, Field(min_length=1, max_length=255)]


class Completion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    origin: Literal["moodle", "funmooc", "direct"]
    external_user_id: str | int
    grain_id: Id
    module_id: Id | None = None
    sequence_id: Id | None = None
    completed_at: datetime | None = None
    email: str | None = None


@app.post("/v1/completions", status_code=202)
async def post_completion(completion: Completion) -> dict[str, int]:
    return {"accepted": 1, "refused": 0}
