"""Rate limits: of a key, of a learner, of an address; and what they do when Redis is gone."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
import time_machine

from bridge import Identity
from bridge.service.auth.keys import read_keys
from bridge.service.auth.rate_limits import PURGE_INTERVAL_SECONDS, Counters
from tests.servers.process import closed_port
from tests.servers.redis import Redis
from tests.service.in_process import GUEST, SITE, InProcessService, bearer, serving

ONE = {"origin": "moodle", "external_user_id": 1, "grain_id": "g"}


def statuses(service: InProcessService, count: int, headers: dict[str, str]) -> list[int]:
    return [service.client.get("/v1/key", headers=headers).status_code for _ in range(count)]


def test_one_keys_limit_does_not_stop_another_key(tmp_path: Path) -> None:
    with serving(tmp_path, {"service": {"rate_limit": {"key": "3/hour"}}}) as service:
        key = service.key()
        assert statuses(service, 4, bearer(key)) == [200, 200, 200, 429]
        refused = service.post(ONE, key)
        assert refused.status_code == 429
        assert 3000 < int(refused.headers["retry-after"]) <= 3601
        assert service.waiting() == 0
        assert service.client.get("/v1/key", headers=bearer(service.key())).status_code == 200


def test_learner_is_counted_across_all_their_tokens(tmp_path: Path) -> None:
    with serving(tmp_path, {"service": {"rate_limit": {"token": "2/hour"}}}) as service:
        found = [statuses(service, 1, bearer(service.tokens.issue(GUEST))) for _ in range(3)]
        assert found == [[200], [200], [429]]
        other = service.tokens.issue(Identity("moodle", 5))
        assert statuses(service, 1, bearer(other)) == [200]


def test_address_limit_counts_guests_and_unproved_requests(tmp_path: Path) -> None:
    with serving(tmp_path, {"service": {"rate_limit": {"address": "3/hour"}}}) as service:
        key = service.key()
        assert service.client.post("/v1/guests", headers={"Origin": SITE}).status_code == 201
        assert statuses(service, 3, bearer("guess")) == [401, 401, 429]
        assert service.client.post("/v1/guests", headers={"Origin": SITE}).status_code == 429
        assert statuses(service, 5, bearer(key)) == [200] * 5, "who proves themselves goes on"
        assert service.client.get("/healthz").status_code == 200


def test_only_trusted_proxies_name_the_callers_address(tmp_path: Path) -> None:
    limits = {"rate_limit": {"address": "1/hour"}}
    ada, bob = ({"X-Forwarded-For": address} for address in ("192.0.2.1", "192.0.2.2"))
    with serving(tmp_path, {"service": limits}) as service:
        assert statuses(service, 2, ada) == [401, 429]
        assert statuses(service, 1, bob) == [401]
        neighbours = [{"X-Forwarded-For": f"2001:db8::{n}"} for n in (1, 2)]
        assert [statuses(service, 1, headers) for headers in neighbours] == [[401], [429]]
    with serving(tmp_path, {"service": limits | {"proxies": []}}) as service:
        assert statuses(service, 1, ada) == [401]
        assert statuses(service, 1, bob) == [429]


def test_workers_that_count_in_redis_count_together(tmp_path: Path, redis_server: Redis) -> None:
    limits = {"rate_limit": {"key": "3/hour", "storage": redis_server.url}}
    with (
        serving(tmp_path, {"service": limits}) as one,
        serving(tmp_path, {"service": limits}) as two,
    ):
        key = one.key()
        two.write(read_keys(tmp_path / "keys.yaml"))
        assert statuses(one, 2, bearer(key)) + statuses(two, 2, bearer(key)) == [200] * 3 + [429]


def test_without_redis_all_pass_and_one_line_tells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = {"rate_limit": {"key": "1/hour", "storage": f"redis://127.0.0.1:{closed_port()}"}}
    with caplog.at_level(logging.ERROR), serving(tmp_path, {"service": limits}) as service:
        assert statuses(service, 3, bearer(service.key())) == [200] * 3
    assert caplog.text.count("rate_limits_off") == 1


def test_counters_count_forget_and_purge() -> None:
    async def work() -> None:
        counters = Counters()
        with time_machine.travel(1_000.0, tick=False):
            assert [await counters.incr("a", 60) for _ in range(2)] == [1, 2]
            assert await counters.get("a") == 2
            assert await counters.get_expiry("a") == 1_060.0
        with time_machine.travel(1_060.0, tick=False):
            assert await counters.get("a") == 0
            assert await counters.incr("b", 60) == 1
        with time_machine.travel(1_060.0 + PURGE_INTERVAL_SECONDS, tick=False):
            assert await counters.incr("b", 60) == 2
            assert await counters.reset() == 1, "the window of a is forgotten"
            assert await counters.incr("c", 60, 5) == 5
        with time_machine.travel(1_060.0, tick=False):  # the clock was put back
            assert await counters.incr("c", 60) == 1

    asyncio.run(work())
