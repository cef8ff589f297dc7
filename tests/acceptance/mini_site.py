"""Small sites of our own, for the pages that a block embeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.servers.pages import serving

_LESSON: Final = """<!DOCTYPE html>
<html lang="fr">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>L’eau</title>
<style>
  body { max-width: 40rem; margin: 0 auto; padding: 1rem; color: #1f2933; font: 1rem/1.5 system-ui, sans-serif; }
  h1 { font-size: 1.25rem; }
  button { padding: 0.5rem 1rem; font: inherit; }
</style>
<h1>L’eau monte jusqu’à la feuille</h1>
<p>Les racines puisent l’eau du sol ; elle monte par la tige, et la feuille la rend à l’air.</p>
<p>Par où l’eau entre-t-elle dans la plante ?</p>
<button>Par les racines</button>
<script>
  window.heard = [];
  addEventListener("message", (event) => heard.push(event.data));
  const say = (data) => parent.postMessage(data, "*");
  document.querySelector("button").addEventListener("click", () => {
    say({ type: "progress-bridge:complete", grain_id: "grain-eau" });
  });
</script>
"""  # noqa: E501


@dataclass
class Site:
    """A site that answers every path with one lesson.

    Attributes:
        url: without a slash at its end.
        asked: the paths that browsers asked for.
    """

    url: str
    asked: list[str]


@contextmanager
def site() -> Iterator[Site]:
    """Serve a site on a free port: each one is an origin of its own."""
    asked: list[str] = []

    def lesson(path: str) -> str:
        asked.append(path)
        return _LESSON

    with serving(lesson) as url:
        yield Site(url, asked)
