"""Blocks on XBlock's own test runtime, among mixins and services shaped like Open edX's."""

from __future__ import annotations

import gettext
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
import pytest
from django.conf import settings as django_settings
from webob import Request
from xblock.fields import ScopeIds
from xblock.runtime import DictKeyValueStore, KvsFieldData
from xblock.test.tools import TestRuntime

import progress_xblock
from bridge import Bridge, BridgeError
from bridge.stores.memory import MemoryStore
from progress_xblock import ProgressXBlock, throttled_log
from tests.unit.xblock.platform_mixins import XBLOCK_MIXINS

PLATFORM_ID = "0123456789abcdef0123456789abcdef"
COURSE_ID = "fedcba9876543210fedcba9876543210"
TRANSLATIONS = Path(progress_xblock.__file__).parent / "translations"

if not django_settings.configured:
    django_settings.configure(USE_I18N=True)
    django.setup()


class Store(MemoryStore):
    """A store that fails while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BridgeError | None = None
        self.calls = 0

    def record(self, completions):
        self.calls += 1
        if self.error:
            raise self.error
        return super().record(completions)


class Runtime(TestRuntime):
    """Keeps fields as an LMS does, and what was published."""

    def __init__(self, services: Mapping[str, Any], kept: dict[Any, Any]) -> None:
        fields = KvsFieldData(DictKeyValueStore(kept))
        super().__init__(services={"field-data": fields, **services}, mixins=XBLOCK_MIXINS)
        self.published: list[tuple[str, Any]] = []
        self.raising: Exception | None = None

    def publish(self, block, event_type, event_data):
        if self.raising:
            raise self.raising
        self.published.append((event_type, event_data))


def user_service(*, django_user: object = None, **attributes: object) -> SimpleNamespace:
    """Return a service like edx-platform's, with these attributes or a learner's."""
    if not attributes:
        attributes = {
            "is_authenticated": True,
            "anonymous_user_id": COURSE_ID,
            "deprecated_anonymous_user_id": PLATFORM_ID,
        }
    user = SimpleNamespace(opt_attrs={f"edx-platform.{k}": v for k, v in attributes.items()})
    return SimpleNamespace(get_current_user=lambda: user, _django_user=django_user)


class Course:
    """One block in a course, and what learners and authors do with it.

    ``fields`` are what the author set; ``services`` and ``author_mode`` what the platform gives.
    Each visit is a new block over the fields that were saved, as in an LMS.
    """

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}
        self.fields: dict[str, Any] = {"grain_id": "grain-1", "module_id": "m1"}
        self.block_settings: dict[str, Any] = {"store": {"url": "memory:"}}
        self.users: object = user_service()
        self.usage: object = "usage"
        self.language = "en"
        self.has_settings = True
        self.author_mode = False
        self.published: list[tuple[str, Any]] = []
        self.publishing_raises: Exception | None = None
        self.completion: object = None

    def block(self) -> ProgressXBlock:
        bucket = SimpleNamespace(get_settings_bucket=lambda block: self.block_settings)
        catalogue = gettext.translation("text", TRANSLATIONS, [self.language], fallback=True)
        services = {
            "user": self.users,
            "settings": bucket if self.has_settings else None,
            "i18n": SimpleNamespace(ugettext=catalogue.gettext, gettext=catalogue.gettext),
            "completion": self.completion,
        }
        runtime = Runtime(services, self.kept)
        runtime.published = self.published
        runtime.raising = self.publishing_raises
        runtime.is_author_mode = self.author_mode
        keys = ScopeIds("u1", "progress", "def", self.usage)
        block = runtime.construct_xblock_from_class(ProgressXBlock, keys)
        for name, value in self.fields.items():
            setattr(block, name, value)
        return block

    def handler(
        self,
        name: str,
        body: object = None,
        method: str = "POST",
        block: ProgressXBlock | None = None,
    ) -> Any:
        block = block or self.block()
        request = Request.blank("/", method=method, body=json.dumps(body or {}).encode())
        return block.runtime.handle(block, name, request)

    def click(self) -> dict[str, Any]:
        return self.handler("complete").json

    def visit(self) -> dict[str, Any]:
        """Return what the page is told when it loads, without sending anything."""
        return self.block().student_view().json_init_args["face"]

    def html(self) -> str:
        return self.block().student_view().content


@pytest.fixture(autouse=True)
def _every_notice_is_new() -> None:
    throttled_log.forget()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def course(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    monkeypatch.setattr("progress_xblock.sending.bridge_for", lambda settings: Bridge(store))
    return Course()


@pytest.fixture
def users() -> Callable[..., SimpleNamespace]:
    return user_service
