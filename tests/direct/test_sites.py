"""The examples of a direct site: what the guide quotes is what runs here, over HTTP."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge import Bridge, Settings
from tests.direct.sites import COOKIE, Site, Visitor
from tests.servers import ROOT

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

HERE = ROOT / "tests/direct"
EXAMPLES = {name: HERE / name for name in ("flask_site.py", "django_site.py", "static_page.html")}
GUIDE = ROOT / "bridge/origins/README.md"


@pytest.fixture(scope="module", params=["flask", "django"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with Site(request.param, tmp_path_factory.mktemp(request.param)) as site:
        yield site


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site)


@pytest.fixture
def alice() -> int:
    return uuid.uuid4().int % 2**31 + 1


@pytest.fixture
def bob() -> int:
    return uuid.uuid4().int % 2**31 + 1


def test_who_only_reads_gets_no_cookie(visitor: Visitor) -> None:
    assert visitor.progress == set()
    assert visitor.proof is None


def test_a_guest_comes_back_to_their_progress(visitor: Visitor, site: Site) -> None:
    header = visitor.post("/grains/g1").headers["Set-Cookie"]
    for word in (COOKIE, "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="):
        assert word in header
    first = visitor.proof
    assert visitor.progress == {"g1"}
    assert "Set-Cookie" not in visitor.post("/grains/g2").headers
    assert visitor.proof == first
    assert visitor.progress == {"g1", "g2"}
    assert Visitor(site).progress == set()


def test_an_account_has_its_progress_on_every_computer(
    visitor: Visitor, site: Site, alice: int
) -> None:
    visitor.post(f"/sign-in/{alice}")
    visitor.post("/grains/g1")
    elsewhere = Visitor(site)
    elsewhere.post(f"/sign-in/{alice}")
    assert elsewhere.progress == {"g1"}


def test_explicit_claim_moves_the_guests_progress(visitor: Visitor, alice: int) -> None:
    visitor.post("/grains/g1")
    guest = visitor.proof
    visitor.post(f"/sign-in/{alice}")
    assert visitor.progress == set()  # not by signing in alone
    visitor.post("/claim")
    assert visitor.progress == {"g1"}
    assert visitor.proof not in (None, guest)


def test_a_claim_without_an_account_is_refused(visitor: Visitor) -> None:
    visitor.post("/grains/g1")
    assert visitor.post("/claim").status_code in (302, 401)
    assert visitor.progress == {"g1"}


@pytest.mark.parametrize("claims", [False, True])
def test_shared_computer_keeps_alices_progress_from_bob(
    visitor: Visitor, alice: int, bob: int, claims: bool
) -> None:
    visitor.post("/grains/g1")
    visitor.post(f"/sign-in/{alice}")
    if claims:
        visitor.post("/claim")
    visitor.post("/grains/g2")
    visitor.post("/sign-out")
    assert visitor.progress == set()
    visitor.post(f"/sign-in/{bob}")
    visitor.post("/claim")
    assert visitor.progress == set()


def test_a_claimed_guest_has_no_row_any_more(visitor: Visitor, site: Site, alice: int) -> None:
    visitor.post("/grains/g1")
    assert visitor.proof
    guest = visitor.proof.partition(".")[0]
    visitor.post(f"/sign-in/{alice}")
    visitor.post("/claim")
    with Bridge.from_settings(Settings.from_mapping(site.settings)) as bridge:
        assert bridge.export("direct", guest) is None


def test_a_forged_cookie_is_a_new_guest(visitor: Visitor) -> None:
    visitor.post("/grains/g1")
    assert visitor.proof
    guest, _, signed = visitor.proof.partition(".")
    forged = [f"{guest}.AAAAAA.{'A' * 43}", guest, f"{uuid.uuid4()}.{signed}"]
    for proof in forged:
        assert visitor.call("GET", "/progress", f"{COOKIE}={proof}").json() == []
    assert visitor.call("GET", "/progress", f"{COOKIE}={visitor.proof}").json() == ["g1"]


def test_browser_takes_the_cookie_but_scripts_see_nothing(browser: Chrome, site: Site) -> None:
    browser.get(f"{site.url}/progress")
    post = "const done = arguments[0]; fetch('/grains/g1', {method: 'POST'}).then(() => done())"
    browser.execute_async_script(post)
    assert browser.execute_script("return document.cookie") == ""
    browser.get(f"{site.url}/progress")
    assert '["g1"]' in browser.page_source
    browser.delete_all_cookies()


def beginning(text: str) -> str:
    return "\n".join(text.splitlines()[:2])


def quotes(text: str) -> dict[str, str]:
    """Return the blocks that begin as an example does, by its name."""
    blocks = re.findall(r"```(?:python|html)\n(.*?)```", text, re.DOTALL)
    by_first = {beginning(block): block for block in blocks}
    firsts = {name: beginning(path.read_text()) for name, path in EXAMPLES.items()}
    return {name: by_first[first] for name, first in firsts.items() if first in by_first}


def test_the_guide_quotes_every_example() -> None:
    assert quotes(GUIDE.read_text()).keys() == EXAMPLES.keys()


@pytest.mark.parametrize("page", [GUIDE, ROOT / "README.md"])
def test_what_is_quoted_is_what_runs(page: Path) -> None:
    for name, block in quotes(page.read_text()).items():
        assert block == EXAMPLES[name].read_text()
