"""The block's view, against done-xblock's on the same runtime.

A click is compared as a whole request, in edx-platform itself: ours is on disk before it is
answered, which a runtime that keeps states in variables cannot show.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from types import SimpleNamespace
from typing import Any, Final

import django
from django.conf import settings as django_settings
from done import DoneXBlock
from xblock.core import XBlock
from xblock.fields import ScopeIds
from xblock.runtime import DictKeyValueStore, KvsFieldData
from xblock.test.tools import TestRuntime

from bridge.origins.funmooc import IS_AUTHENTICATED, LearnerId
from progress_xblock import ProgressXBlock
from tests.bench.bed import Bed
from tests.bench.measure import Bench, Result, Rival, Side, compare, say
from tests.real.edx.laid import HERE, named

Settings = Mapping[str, Any]

_STORE: Final = {"url": "http://127.0.0.1:9", "token": "t"}
"""Where nobody listens: a view asks no store."""

_AGAINST: Final = "done-xblock"
_OURS: Final = {"grain_id": "grain-1", "module_id": "module-1", "sequence_id": "sequence-1"}


def view(bed: Bed) -> Iterator[Result]:
    """Render the ``student_view`` of a block that a request has just loaded."""
    count = bed.count(300)
    _configure_django()

    def side(kind: type[XBlock], fields: Settings, settings: Settings) -> Side:
        def once(learner: int) -> float:
            started = time.perf_counter()
            _block(kind, fields, settings, learner).student_view({})
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


def _microseconds(once: Callable[[int], float], count: int) -> Side:
    """Return the median of a round, each time of another learner."""
    return lambda number: 1e6 * median(once(number * count + n) for n in range(count))


class _Runtime(TestRuntime):
    def publish(self, block: object, event_type: str, event_data: object) -> None:
        """Publish to nobody: what the platform does with events is the same for all."""

    def local_resource_url(self, block: object, uri: str) -> str:
        """Return a path as the LMS's, but for what it is under."""
        return f"/xblock/resource/{uri}"


def _block(kind: type[XBlock], fields: Settings, settings: Settings, learner: int) -> XBlock:
    """Load one learner's block as in an LMS that has these settings for it."""
    attributes = {IS_AUTHENTICATED: True, LearnerId.PLATFORM.key: f"{learner:032x}"}
    user = SimpleNamespace(opt_attrs=attributes)
    services = {
        "field-data": KvsFieldData(DictKeyValueStore()),
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


def click(bed: Bed) -> Iterator[Result]:
    """Time a learner's click as a whole request of an LMS, where an edx-platform is at hand."""
    platform = named()
    if platform is None:
        say("xblock-click: no edx-platform is given (make bench EDX=DIR, tests/real/README.md)")
        return
    ran = platform.lay().run("lms", str(HERE / "platform/lms/click_time.py"))
    if ran.returncode:
        raise RuntimeError(ran.stdout)
    told = json.loads((platform.root / "run/click.json").read_text())
    yield Result(
        name="xblock-click",
        value=told["ours"],
        unit="ms",
        ratio=told["ratio"],
        against=_AGAINST,
        bar=1.0,
        lower_is_better=True,
    )


BENCHES: Final[Mapping[str, Bench]] = {"xblock-view": view, "xblock-click": click}
