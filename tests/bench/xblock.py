"""The block's view and its handler, against done-xblock's on the same runtime."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Final

import django
from django.conf import settings as django_settings
from done import DoneXBlock
from webob import Request
from xblock.core import XBlock
from xblock.fields import ScopeIds
from xblock.runtime import DictKeyValueStore, KvsFieldData
from xblock.test.tools import TestRuntime

from bridge.origins.funmooc import IS_AUTHENTICATED, LearnerId
from progress_xblock import ProgressXBlock
from progress_xblock.deployment import bridge_for
from tests.bench.bed import Bed
from tests.bench.measure import Bench, Result, Rival, Side, compare, say
from tests.servers.provision import missing
from tests.servers.redis import Redis

Settings = Mapping[str, Any]

_STORE: Final = {"url": "http://127.0.0.1:9", "token": "t"}
"""Where nobody listens: neither a view nor, with an outbox, a click asks a store."""

_AGAINST: Final = "done-xblock"
_OURS: Final = {"grain_id": "grain-1", "module_id": "module-1", "sequence_id": "sequence-1"}


def view(bed: Bed) -> Iterator[Result]:
    """``student_view`` of a block that a request has just loaded."""
    count = bed.count(300)
    _configure_django()

    def side(kind: type[XBlock], fields: Settings, settings: Settings) -> Side:
        def once(learner: int) -> float:
            started = time.perf_counter()
            _block(kind, fields, settings, learner, _in_memory()).student_view({})
            return time.perf_counter() - started

        return _microseconds(once, count)

    yield from compare(
        "xblock-view",
        side(ProgressXBlock, _OURS, {"store": _STORE}),
        Rival(side=side(DoneXBlock, {}, {}), against=_AGAINST, bar=1.5),
        unit="µs",
        lower_is_better=True,
        rounds=5,
    )


def handler(bed: Bed) -> Iterator[Result]:
    """A learner's first click with each kind of outbox, on a runtime that keeps states on disk.

    As an LMS does. On a runtime that keeps them in memory done-xblock's click is the setting of a
    variable, which nothing that is to outlive a crash can be compared with; that is told as well.
    """
    _configure_django()
    with TemporaryDirectory(dir=bed.folder) as name, ExitStack() as stack:
        folder = Path(name)
        outboxes = {"": f"sqlite:///{folder}/outbox.db"}
        if reason := missing("redis"):
            say(f"xblock-handler-redis: left out, {reason}")
        else:
            redis = stack.enter_context(Redis(folder, appendonly=True))
            outboxes["-redis"] = redis.url
        for suffix, url in outboxes.items():
            settings = {"store": _STORE, "outbox": {"url": url}}
            stack.callback(bridge_for(settings, {}).close)
            for where, states in {"": _OnDisk(folder), "-in-memory": _in_memory}.items():
                name = f"xblock-handler{suffix}{where}"
                yield from _clicks(name, settings, states, bed.count(300))


def _clicks(name: str, settings: Settings, states: States, count: int) -> Iterator[Result]:
    def side(kind: type[XBlock], handler: str, fields: Settings) -> Side:
        return _clicking(kind, handler, fields, settings, states, count)

    yield from compare(
        name,
        side(ProgressXBlock, "complete", _OURS),
        Rival(side=side(DoneXBlock, "toggle_button", {}), against=_AGAINST, bar=2.0),
        unit="µs",
        lower_is_better=True,
        rounds=5,
    )


def _clicking(
    kind: type[XBlock],
    name: str,
    fields: Settings,
    settings: Settings,
    states: States,
    count: int,
) -> Side:
    body = json.dumps({"done": True}).encode()

    def once(learner: int) -> float:
        block = _block(kind, fields, settings, learner, states())
        request = Request.blank("/", method="POST", body=body)
        started = time.perf_counter()
        response = block.runtime.handle(block, name, request)
        elapsed = time.perf_counter() - started
        assert response.json["state"] in ("accepted", True)
        return elapsed

    return _microseconds(once, count)


def _microseconds(once: Callable[[int], float], count: int) -> Side:
    """The median of a round, each time of another learner."""
    return lambda number: 1e6 * median(once(number * count + n) for n in range(count))


class _Runtime(TestRuntime):
    def publish(self, block: object, event_type: str, event_data: object) -> None:
        """To nobody: what the platform does with events is the same for all."""

    def local_resource_url(self, block: object, uri: str) -> str:
        """As the LMS's, but for what it is under."""
        return f"/xblock/resource/{uri}"


class _OnDisk(DictKeyValueStore):
    """Puts each save on disk before it returns, as an LMS's database does; called for itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._connection = sqlite3.connect(folder / "states.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS states (id INTEGER PRIMARY KEY, state TEXT)"
        )

    def set_many(self, update_dict: Mapping[Any, Any]) -> None:
        super().set_many(update_dict)
        state = json.dumps({key.field_name: str(value) for key, value in update_dict.items()})
        self._connection.execute("INSERT INTO states (state) VALUES (?)", (state,))

    def __call__(self) -> DictKeyValueStore:
        self.db_dict.clear()
        return self


_in_memory: Final = DictKeyValueStore
States = Callable[[], DictKeyValueStore]


def _block(
    kind: type[XBlock],
    fields: Settings,
    settings: Settings,
    learner: int,
    states: DictKeyValueStore,
) -> XBlock:
    """One learner's block, loaded as in an LMS that has these settings for it."""
    attributes = {IS_AUTHENTICATED: True, LearnerId.PLATFORM.key: f"{learner:032x}"}
    user = SimpleNamespace(opt_attrs=attributes)
    services = {
        "field-data": KvsFieldData(states),
        "user": SimpleNamespace(get_current_user=lambda: user, _django_user=None),
        "settings": SimpleNamespace(get_settings_bucket=lambda block: settings),
        "i18n": SimpleNamespace(ugettext=str, gettext=str),
    }
    runtime = _Runtime(services=services)
    block = kind(runtime, scope_ids=ScopeIds(str(learner), "block", "definition", "usage"))
    for name, value in fields.items():
        setattr(block, name, value)
    block.save()
    return block


def _configure_django() -> None:
    if not django_settings.configured:
        django_settings.configure(USE_I18N=True)
        django.setup()


BENCHES: Final[Mapping[str, Bench]] = {"xblock-view": view, "xblock-handler": handler}
