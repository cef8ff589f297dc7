"""A page of a site with `bridge.js`, the service it talks to, and a browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bridge import Bridge, Identity, Settings
from bridge.tokens import Tokens
from tests.direct.page import Page, PageSite, page_site
from tests.service.server import Service

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def site() -> Iterator[PageSite]:
    with page_site() as site:
        yield site


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory, site: PageSite) -> Iterator[Service]:
    settings: dict[str, Any] = {
        "tokens": {"keys": [{"id": "1", "secret": secrets.token_hex(16)}]},
        "delivery": {"age": 0.05},
        "service": {
            "sites": [site.url],
            "guests": True,
            "rate_limit": {"address": "off", "token": "off"},
        },
    }
    with Service(tmp_path_factory.mktemp("service"), settings) as service:
        site.service = service.url
        yield service


@pytest.fixture
def service(running_service: Service) -> Service:
    """The run's one service, running whatever the last test did to it."""
    return running_service.start()


@pytest.fixture
def settings(service: Service) -> Settings:
    return Settings.load(service.config)


@pytest.fixture
def store(settings: Settings) -> Iterator[Bridge]:
    """What is recorded, seen from behind the service."""
    with Bridge.from_settings(settings) as bridge:
        yield bridge


@pytest.fixture
def launch(settings: Settings) -> Callable[..., str]:
    """A token for a learner, as a course would launch the page with."""
    assert settings.tokens
    return Tokens(settings.tokens).issue


@pytest.fixture
def learner() -> Identity:
    return Identity("funmooc", secrets.token_hex(16))


@pytest.fixture
def page(browser: Chrome, site: PageSite, service: Service) -> Iterator[Page]:
    """The page in a browser that was never there."""
    page = Page(browser, site)
    page.forget()
    yield page
    page.close_others()
    page.offline(False)
