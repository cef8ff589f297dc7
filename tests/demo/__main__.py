"""Start the demo, say where it is, and stop it on Ctrl-C: ``python -m tests.demo --help``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.demo import people
from tests.demo.service import Service
from tests.demo.stores import COMMAND, STORES, DemoStore
from tests.demo.workbench import Workbench
from tests.servers import CACHE
from tests.servers.process import HeldPort, ServerError

PORT: Final = 8900
_TICK: Final = 0.5


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m tests.demo",
        description="The bridge behind three doors: a course with the XBlock in xblock-sdk's "
        "workbench, a direct site, and Moodle, played by a command.",
    )
    parser.add_argument("--store", choices=STORES, default="sqlite", help="where it records")
    parser.add_argument(
        "--port",
        type=int,
        help=f"of the course, the service's is the next; 0: any; default: {PORT}, or any",
    )
    parser.add_argument("--folder", type=Path, help="what is kept; default: .cache/demo/STORE")
    return parser.parse_args(words)


def main() -> int:
    """Run the demo until it is stopped, and return 0, or 1 when something failed."""
    asked = arguments()
    for polite in (signal.SIGINT, signal.SIGTERM):
        # Even a shell that started us in the background, and so had us ignore it, may stop us.
        signal.signal(polite, signal.default_int_handler)
    try:
        run(asked)
    except KeyboardInterrupt:
        print("\nStopped. What was recorded is kept for the next time.", flush=True)
        return 0
    except ServerError as error:
        print(f"The demo cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


def run(asked: argparse.Namespace) -> None:
    """Start the store, the service and the workbench, and wait for Ctrl-C.

    Raises:
        KeyboardInterrupt: it was pressed; everything is stopped by then.
        ServerError: something did not start, or ended by itself.
    """
    folder = (asked.folder or CACHE / "demo" / asked.store).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port = HeldPort.this_or_any(PORT) if asked.port is None else HeldPort(asked.port)
    print(f"Starting the demo on {asked.store}…", flush=True)
    with STORES[asked.store](folder) as store:
        workbench = Workbench(folder, {}, port)
        beside = HeldPort.this_or_any(workbench.port + 1)
        service = Service(folder, store.settings, workbench.url, beside)
        site = {"tokens": service.tokens, "mini_site": service.url}
        workbench.configure({**store.settings, **site})
        with service, workbench:
            print(told(workbench, service, store), flush=True)
            while workbench.running and service.running:
                time.sleep(_TICK)
            raise (service if workbench.running else workbench).error("ended by itself")


def told(workbench: Workbench, service: Service, store: DemoStore) -> str:
    """Return what the user needs: where to click, and how to see what came of it."""
    url, site = workbench.url, f"{service.url}/demo/"
    bridge = f"{_typed(COMMAND)} --config {_typed(service.configuration)} progress"
    lines = [
        ("Open", f"{url}  (in English: {url}?lang=en)"),
        ("A direct site", f"{site}  (in English: {site}?lang=en)"),
        ("… with an account", f"{site}sign-in"),
        ("Moodle", moodle(service)),
        *(
            (f"Rows of {name}", f"{bridge} funmooc {people.platform_id(student)}")
            for student, name in people.LEARNERS.items()
        ),
        ("Rows of the account", f"{bridge} direct {people.ACCOUNT.external_user_id}"),
        ("Rows of Moodle's user", f"{bridge} moodle {people.MOODLE_USER}"),
        *store.notes,
        ("HTTP API", f"{service.url}/docs"),
        ("Stop", "Ctrl-C"),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n" + "\n".join(f"  {label:<{width}}   {text}" for label, text in lines) + "\n"


def moodle(service: Service) -> str:
    """Return what Moodle's plugin sends when an activity is completed, as a command."""
    completion = {
        "origin": "moodle",
        "external_user_id": people.MOODLE_USER,
        "grain_id": "grain-lumiere",
        "module_id": "module-plantes",
        "sequence_id": "sequence-1",
    }
    key = f"Authorization: Bearer {service.moodle_key}"
    is_json = "Content-Type: application/json"
    words = ["curl", "-sS", "-H", key, "-H", is_json, "-d", json.dumps(completion)]
    return shlex.join([*words, f"{service.url}/v1/completions"])


def _typed(path: Path) -> str:
    """Return the path as one would type it here."""
    here = Path.cwd()
    return shlex.quote(os.fspath(path.relative_to(here) if path.is_relative_to(here) else path))


if __name__ == "__main__":
    sys.exit(main())
