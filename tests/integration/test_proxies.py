"""What a proxy, a firewall or a login page in front of Directus answers is not Directus's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge import Status, StoreMisconfigured
from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.delivery.isolation import record
from bridge.outbox import Leased
from bridge.stores import PartlyRecorded
from bridge.stores.directus import DirectusStore
from tests.contract.learners import done, somebody
from tests.integration.own_base import OwnBase
from tests.integration.own_tables import admin_settings
from tests.servers.directus import Directus
from tests.servers.need import need
from tests.servers.nginx import Nginx

JSON = "default_type application/json;"
PAGES = {
    "200": ("", "return 200 '<html>Please log in</html>';"),
    "302": ("", "return 302 https://sso.example.org/login;"),
    "401": ("", "return 401 '<html>Please log in</html>';"),
    "403": ("", "return 403;"),
    "404": ("", "return 404;"),
    "405": ("", "return 405;"),
    "400": ("", "return 400;"),
    "403 json": (JSON, 'return 403 \'{"error": "blocked"}\';'),
    "200 json": (JSON, "return 200 '{\"ok\": true}';"),
    "403 empty": (JSON, "return 403 '';"),
}
"""How somebody in front of Directus answers: the type of the page, and the page."""


@pytest.fixture(scope="module", params=["directus_pg", "directus_10", "directus_12"])
def directus(request: pytest.FixtureRequest) -> Directus:
    server: Directus = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="module")
def proxy(directus: Directus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    need("nginx")
    with Nginx(tmp_path_factory.mktemp("nginx"), directus.url) as server:
        yield server


@pytest.fixture
def base(directus: Directus) -> Iterator[OwnBase]:
    made = OwnBase(directus)
    yield made
    made.close()


@pytest.fixture
def settings(base: OwnBase, proxy: Nginx) -> Iterator[StoreSettings]:
    yield replace(admin_settings(base.directus, base.names), url=proxy.url)
    with_rules(proxy, "")


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[DirectusStore]:
    made = DirectusStore(settings)
    yield made
    made.close()


def with_rules(proxy: Nginx, rules: str) -> None:
    """Let the proxy treat every request so."""
    proxy.rule(rules)
    proxy.restart()


def bad(store: DirectusStore) -> list[Finding]:
    """Return what is wrong, but for the administrator's token, which these tests use."""
    findings = store.check()
    return [each for each in findings if not each.ok and "administrator's" not in each.message]


def refuse(method: str) -> str:
    """Return the rule that data owners' proxies have for a method they do not know."""
    return f"if ($request_method = {method}) {{ return 403; }}"


def test_behind_a_proxy_all_is_well(store: DirectusStore, base: OwnBase) -> None:
    assert bad(store) == []
    assert base.read(base.names.learners) == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "SEARCH"])
def test_check_names_the_method_that_is_stopped(
    store: DirectusStore, proxy: Nginx, base: OwnBase, method: str
) -> None:
    with_rules(proxy, refuse(method))
    found = bad(store)
    assert found
    for each in found:
        assert each.fatal
        assert f"HTTP 403 to {method} /items/" in each.message
        assert "not from Directus" in each.message
        assert "let GET, SEARCH, POST, PATCH and DELETE through" in each.remedy
    assert base.read(base.names.learners) == []


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_is_not_taken_for_directus(
    store: DirectusStore, proxy: Nginx, page: tuple[str, str]
) -> None:
    with_rules(proxy, " ".join(page))
    (found,) = bad(store)
    assert found.fatal
    assert "GET /server/info" in found.message
    assert "no right" not in found.message
    assert "store.url" in found.remedy or "let GET" in found.remedy
    with pytest.raises(StoreMisconfigured) as raised:
        store.record([done(somebody())])
    assert "token" not in str(raised.value)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_instead_of_writing_rejects_nobody(
    store: DirectusStore, proxy: Nginx, base: OwnBase, page: tuple[str, str]
) -> None:
    kind, answer = page
    with_rules(proxy, f"{kind} if ($request_method = POST) {{ {answer} }}")
    with pytest.raises(StoreMisconfigured, match="POST /items/"):
        store.record([done(somebody()) for _ in range(3)])
    assert base.rows() == set()
    with_rules(proxy, "")
    assert store.record([done(somebody())])[0].status is Status.CREATED


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_instead_of_removing_erases_nobody(
    store: DirectusStore, proxy: Nginx, base: OwnBase, page: tuple[str, str]
) -> None:
    who = somebody()
    store.record([done(who)])
    kind, answer = page
    with_rules(proxy, f"{kind} if ($request_method = DELETE) {{ {answer} }}")
    with pytest.raises(StoreMisconfigured, match="DELETE /items/"):
        store.erase(who)
    assert len(base.rows()) == 1


def test_one_earlier_completion_keeps_nobody_waiting(
    store: DirectusStore, proxy: Nginx, base: OwnBase
) -> None:
    who = somebody()
    store.record([done(who)])
    with_rules(proxy, refuse("PATCH"))
    others = [done(somebody()) for _ in range(10)]
    with pytest.raises(PartlyRecorded, match="HTTP 403 to PATCH") as raised:
        store.record([others[0], done(who, hours=-1), *others[1:]])
    statuses = [outcome and outcome.status for outcome in raised.value.outcomes]
    assert statuses == [Status.CREATED, None, *[Status.CREATED] * 9]
    assert len(base.rows()) == 11
    with_rules(proxy, "")
    assert store.record([done(who, hours=-1)])[0].status is Status.MOVED_EARLIER


@pytest.mark.parametrize("known", [False, True], ids=["new learners", "known learners"])
def test_what_a_firewall_stops_waits_alone(
    store: DirectusStore, proxy: Nginx, base: OwnBase, known: bool
) -> None:
    learners = [somebody() for _ in range(4)]
    if known:
        store.record([done(who, "before") for who in learners])
    stopped = replace(done(learners[1], "g" * 250), module_id="m" * 250, sequence_id="s" * 250)
    with_rules(proxy, 'if ($content_length ~ "^([7-9]..|....)$") { return 403; }')
    batch = [done(who) for who in learners[:1]] + [stopped] + [done(who) for who in learners[2:]]
    with pytest.raises(PartlyRecorded) as raised:
        store.record(batch)
    assert raised.value.outcomes.index(None) == 1
    assert raised.value.outcomes.count(None) == 1
    assert {who.external_user_id for who in learners if who != stopped.identity} == {
        external for external, grain in base.rows() if grain == "grain-1"
    }
    with_rules(proxy, "")
    assert store.record([stopped])[0].status is Status.CREATED


def test_delivery_takes_what_is_recorded_from_the_outbox(
    store: DirectusStore, proxy: Nginx, base: OwnBase
) -> None:
    who = somebody()
    store.record([done(who)])
    with_rules(proxy, refuse("PATCH"))
    completions = [done(who, hours=-1), *(done(somebody()) for _ in range(10))]
    items = [Leased(str(n), "token", each, 1) for n, each in enumerate(completions)]
    result = record(store, items)
    assert [item.id for item in result.left] == ["0"]
    assert [outcome.status for _, outcome in result.outcomes] == [Status.CREATED] * 10
    assert "HTTP 403 to PATCH" in str(result.error)


def test_nothing_made_up_stays_where_removing_is_stopped(
    proxy: Nginx, base: OwnBase, settings: StoreSettings
) -> None:
    who = somebody()
    base.writer().record([done(who)])
    before = base.read(base.names.progress)
    with_rules(proxy, refuse("DELETE"))
    store = DirectusStore(settings)
    with pytest.raises(StoreMisconfigured, match="HTTP 403 to DELETE"):
        store.record([done(who, hours=-1)])
    assert store.check()
    assert base.read(base.names.progress) == before
    assert store.record([done(who, "grain-2")])[0].status is Status.CREATED
    store.close()


def test_a_small_limit_of_the_proxy_is_told(
    store: DirectusStore, proxy: Nginx, base: OwnBase
) -> None:
    with_rules(proxy, "client_max_body_size 1k;")
    (found,) = bad(store)
    assert "too large" in found.message
    assert "client_max_body_size" in found.remedy
    who = somebody()
    long = "é" * 255  # two bytes each
    completion = replace(done(who, long), module_id="é" * 255, sequence_id="é" * 255)
    with pytest.raises(StoreMisconfigured, match="client_max_body_size"):
        store.record([completion])
    assert base.rows() == set()
    many = [done(somebody(), f"grain-{number}") for number in range(20)]
    assert {outcome.status for outcome in store.record(many)} == {Status.CREATED}
