"""What the outbox says when Redis cannot, or may not, or would not keep what it is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
import redis
from redis.crc import key_slot

from bridge.checks import Finding
from bridge.config import OutboxSettings, Settings
from bridge.errors import ConfigurationError, OutboxUnavailable
from bridge.outbox import Outbox, open_outbox
from bridge.outbox.redis import RedisOutbox
from bridge.outbox.redis.errors import meaning
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import redis_home
from tests.servers.need import need
from tests.servers.process import HOST, closed_port
from tests.servers.redis import Redis

Open = Callable[..., Outbox]

SET_BACK = {
    "requirepass": "",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "appendfsync": "always",
    "appendonly": "yes",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Start a Redis that may be spoilt."""
    need("redis")
    with Redis(tmp_path_factory.mktemp("troubled"), appendonly=True) as server:
        yield server


@pytest.fixture
def admin(server: Redis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client
        for name, value in SET_BACK.items():
            client.config_set(name, value)
        client.replicaof("NO", "ONE")
        client.acl_deluser("limited")


@pytest.fixture
def open_(server: Redis) -> Iterator[Open]:
    """Return what opens an outbox on the server, with changes to the settings."""
    opened: list[Outbox] = []

    def open_one(user: str = "", prefix: str = "", timeout: float = 5.0) -> Outbox:
        url = f"redis://{user}{HOST}:{server.port}/0"
        prefix = prefix or redis_home(url).settings.prefix
        opened.append(RedisOutbox(OutboxSettings(url=url, prefix=prefix, timeout=timeout)))
        return opened[-1]

    yield open_one
    for outbox in opened:
        outbox.close()


def put(outbox: Outbox) -> None:
    outbox.put([done(somebody())])


def found(findings: list[Finding], word: str) -> Finding:
    (finding,) = [finding for finding in findings if word in finding.message]
    return finding


def test_out_of_memory_accepts_nothing_and_still_delivers(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    outbox.put([done(somebody(), str(number)) for number in range(5)])
    admin.config_set("maxmemory", "1")
    with pytest.raises(OutboxUnavailable, match="out of memory"):
        put(outbox)
    with pytest.raises(OutboxUnavailable, match="out of memory"):
        outbox.put([done(somebody()), done(somebody())])
    items = outbox.lease(3, 60)
    assert outbox.give_back(items[2:]) == 1
    assert outbox.done(items[:2]) == 2
    assert outbox.counts().waiting == 3


def test_a_batch_without_memory_is_refused_whole(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    put(outbox)
    admin.config_set("maxmemory", str(admin.info("memory")["used_memory"] + 1_000_000))
    with pytest.raises(OutboxUnavailable, match="out of memory"):
        outbox.put([done(somebody(), str(number) * 40) for number in range(10_000)])
    assert outbox.counts().waiting == 1


def test_a_letter_without_memory_stays_with_its_worker(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    put(outbox)
    (item,) = outbox.lease(1, 60)
    admin.config_set("maxmemory", "1")
    with pytest.raises(OutboxUnavailable, match="out of memory"):
        outbox.bury(item, "bad")
    admin.config_set("maxmemory", "0")
    assert outbox.counts().leased == 1
    assert outbox.bury(item, "bad")


def test_a_read_only_replica_is_told(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    admin.replicaof(HOST, str(closed_port()))
    with pytest.raises(OutboxUnavailable, match="read-only replica"):
        put(outbox)
    finding = found(outbox.check(), "replica")
    assert (finding.ok, finding.fatal) == (False, True)


def test_a_replica_leases_and_settles_no_erasure(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="replicated:")
    outbox.request_erasure(somebody())
    (request,) = outbox.lease_erasures(10, 60)
    outbox.request_erasure(somebody())
    admin.replicaof(HOST, str(closed_port()))
    for ask in (
        lambda: outbox.request_erasure(somebody()),
        lambda: outbox.lease_erasures(10, 60),
        lambda: outbox.put_off_erasure(request, 60),
        lambda: outbox.erasure_done(request),
    ):
        with pytest.raises(OutboxUnavailable, match="read-only replica"):
            ask()
    admin.replicaof("NO", "ONE")
    assert outbox.erasure_done(request)


def test_nobody_listening_is_told(open_: Open) -> None:
    url = f"redis://:the-password@{HOST}:{closed_port()}/0"
    outbox = RedisOutbox(OutboxSettings(url=url))
    with pytest.raises(OutboxUnavailable, match="cannot be reached") as caught:
        put(outbox)
    assert "the-password" not in f"{caught.value!r} {caught.value.__cause__!r}"
    (finding,) = outbox.check()
    assert (finding.ok, finding.fatal) == (False, True)
    assert "the-password" not in f"{finding}"


def test_a_silent_redis_is_waited_for_until_timeout(server: Redis, open_: Open) -> None:
    outbox = open_(prefix="{still}", timeout=1.0)
    put(outbox)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(OutboxUnavailable, match="no answer in time"):
            put(outbox)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert open_(prefix="{still}").counts().waiting >= 1


def test_a_wrong_or_missing_password_is_told(admin: redis.Redis, open_: Open) -> None:
    admin.config_set("requirepass", "right")
    put(open_(":right@"))
    with pytest.raises(OutboxUnavailable, match="refuses the user or the password") as caught:
        put(open_(":wrong@"))
    assert "wrong" not in str(caught.value)
    with pytest.raises(OutboxUnavailable, match="wants a password"):
        put(open_())


def test_a_right_that_is_missing_is_told(admin: redis.Redis, open_: Open) -> None:
    admin.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-xadd")
    with pytest.raises(OutboxUnavailable, match="ACL forbids"):
        put(open_("limited:pw@"))


def test_keys_that_hold_other_data_are_told(admin: redis.Redis, open_: Open) -> None:
    admin.set("{theirs:}queue", "a string")
    with pytest.raises(OutboxUnavailable, match="other data has our keys"):
        put(open_(prefix="theirs:"))


def test_a_connection_that_redis_closed_is_opened_again(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    put(outbox)
    admin.client_kill_filter(_type="normal", skipme=True)
    put(outbox)
    assert outbox.counts().waiting == 2


def test_a_lost_group_is_remade_and_nothing_lost(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="regrouped:")
    put(outbox)
    outbox.lease(1, 600)
    admin.xgroup_destroy("{regrouped:}queue", "delivery")
    assert outbox.counts().waiting == 1
    assert len(outbox.lease(10, 60)) == 1


def test_scripts_that_redis_forgot_are_sent_again(admin: redis.Redis, open_: Open) -> None:
    outbox = open_()
    put(outbox)
    assert outbox.counts().waiting == 1
    admin.script_flush()
    assert len(outbox.lease(1, 60)) == 1


def test_two_prefixes_are_two_outboxes(open_: Open) -> None:
    one, two = open_(), open_()
    put(one)
    assert (one.counts().waiting, two.counts().waiting) == (1, 0)


def test_all_keys_share_one_cluster_slot(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="slotted:")
    outbox.put([done(somebody()), done(somebody())])
    dead, _ = outbox.lease(2, 60)
    outbox.bury(dead, "bad")
    outbox.request_erasure(somebody())
    keys = admin.keys("*slotted:*")
    names = ("clock", "dead", "erasing", "erasures", "queue")
    assert sorted(keys) == [f"{{slotted:}}{name}" for name in names]
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_the_wrong_node_of_a_cluster_is_told() -> None:
    moved = redis.exceptions.MovedError("12182 10.0.0.7:6379")
    assert "another node of the cluster has our keys" in str(meaning(moved, "redis://h/0"))


def test_a_server_clock_put_back_extends_no_lease(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="back:")
    outbox.put([done(somebody(), grain) for grain in "ab"])
    leased = outbox.lease(1, 600)
    outbox.give_back(outbox.lease(1, 600), delay=600)
    assert outbox.lease(10, 600) == []
    (seconds, _) = admin.time()
    admin.set("{back:}clock", (seconds + 86_400) * 1000)  # as a lease of tomorrow would leave it
    again = outbox.lease(10, 600)
    assert [item.completion.grain_id for item in again] == ["a", "b"]
    assert outbox.lease(10, 600) == []
    assert outbox.done(leased) == 0
    assert outbox.done(again) == 2


def test_settings_that_keep_the_promise_are_found_right(open_: Open) -> None:
    findings = open_().check()
    assert len(findings) == 6
    assert all(finding.ok for finding in findings)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("appendonly", "no", "a restart of Redis loses completions"),
        ("appendfsync", "everysec", "may lose the last two seconds"),
        ("appendfsync", "no", "may lose the last two seconds"),
        ("maxmemory-policy", "allkeys-lru", "throws completions away"),
    ],
)
def test_an_unsafe_setting_is_a_warning_with_remedy(
    admin: redis.Redis, open_: Open, name: str, value: str, words: str
) -> None:
    admin.config_set(name, value)
    finding = found(open_().check(), words)
    assert (finding.ok, finding.fatal) == (False, False)
    assert name in finding.message
    assert finding.remedy


def test_evicting_only_keys_that_expire_keeps_the_promise(admin: redis.Redis, open_: Open) -> None:
    admin.config_set("maxmemory-policy", "volatile-lru")
    assert found(open_().check(), "volatile-lru").ok


def test_forbidden_info_and_config_are_warnings_only(admin: redis.Redis, open_: Open) -> None:
    limit(admin, "~*", "+@all", "-@dangerous")
    outbox = open_("limited:pw@")
    put(outbox)
    assert len(outbox.lease(1, 60)) == 1
    bad = [finding for finding in outbox.check() if not finding.ok]
    assert ["INFO" in bad[0].message, "CONFIG" in bad[1].message] == [True, True]
    assert not any(finding.fatal for finding in bad)
    assert found(outbox.check(), "it can be written").ok


@pytest.mark.parametrize(
    "rights", [["~other:*", "+@all"], ["~*", "+@all", "-xadd"], ["~*", "+@all", "-xgroup"]]
)
def test_a_missing_right_to_put_is_found(
    admin: redis.Redis, open_: Open, rights: list[str]
) -> None:
    limit(admin, *rights)
    outbox = open_("limited:pw@")
    with pytest.raises(OutboxUnavailable, match="ACL forbids"):
        put(outbox)
    finding = found(outbox.check(), "ACL forbids")
    assert (finding.ok, finding.fatal) == (False, True)


def test_a_missing_right_to_deliver_is_found(admin: redis.Redis, open_: Open) -> None:
    limit(admin, "~*", "+@all", "-@scripting")
    assert found(open_("limited:pw@").check(), "ACL forbids").fatal


def test_a_redis_that_is_full_is_found(admin: redis.Redis, open_: Open) -> None:
    admin.config_set("maxmemory", "1")
    finding = found(open_().check(), "out of memory")
    assert (finding.ok, finding.fatal) == (False, True)


def test_keys_that_hold_other_data_are_found(admin: redis.Redis, open_: Open) -> None:
    admin.set("{taken:}queue", "a string")
    assert found(open_(prefix="taken:").check(), "other data has our keys").fatal


def test_to_check_changes_nothing(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="checked:")
    assert all(finding.ok for finding in outbox.check())
    assert admin.keys("*checked:*") == []
    put(outbox)
    before = admin.dump("{checked:}queue")
    assert all(finding.ok for finding in outbox.check())
    assert admin.dump("{checked:}queue") == before


def limit(admin: redis.Redis, *rights: str) -> None:
    """Make a user with the password ``pw`` that may do just this."""
    admin.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pw", *rights)


def test_a_server_that_forbids_config_is_told_apart(admin: redis.Redis, open_: Open) -> None:
    admin.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-config")
    findings = open_("limited:pw@").check()
    finding = found(findings, "appendfsync")
    assert (finding.ok, finding.fatal) == (False, False)
    assert "cannot be read" in finding.message
    assert found(findings, "appendonly yes").ok


@pytest.mark.parametrize("url", ["redis://h:not-a-port/0", "redis://h/0?socket_timeout=soon"])
def test_an_unreadable_url_is_a_configuration_error(url: str) -> None:
    settings = Settings.from_mapping({"store": {"url": "memory:"}, "outbox": {"url": url}})
    with pytest.raises(ConfigurationError, match=r"outbox\.url") as caught:
        open_outbox(settings)
    assert url not in str(caught.value)


def test_out_of_memory_refuses_requests_and_still_erases(admin: redis.Redis, open_: Open) -> None:
    outbox, other = open_(prefix="full:"), open_(prefix="full:")
    who = somebody()
    outbox.request_erasure(who)
    admin.config_set("maxmemory", "1")
    with pytest.raises(OutboxUnavailable, match="out of memory"):
        outbox.request_erasure(somebody())
    (request,) = outbox.lease_erasures(10, 60)
    (again,) = other.lease_erasures(10, 60)  # nothing could be written: two erase, as they may
    assert (request.identity, again.identity) == (who, who)
    assert outbox.put_off_erasure(request, 60)
    assert outbox.erasure_done(request)
    assert not other.erasure_done(again)
    assert outbox.counts().erasures == 0


def test_asked_anew_without_memory_loses_no_request(admin: redis.Redis, open_: Open) -> None:
    outbox, who = open_(prefix="full-again:"), somebody()
    outbox.request_erasure(who)
    admin.config_set("maxmemory", "1")
    (request,) = outbox.lease_erasures(10, 60)
    admin.config_set("maxmemory", "0")
    outbox.request_erasure(who)
    assert not outbox.erasure_done(request)
    assert outbox.counts().erasures == 1


def test_a_server_clock_put_back_delays_no_erasure(admin: redis.Redis, open_: Open) -> None:
    outbox, who = open_(prefix="erased-back:"), somebody()
    outbox.request_erasure(who)
    (request,) = outbox.lease_erasures(10, 600)
    key = "{erased-back:}erasing"
    ((learner, state),) = admin.hgetall(key).items()
    since, until, rest = state.split(" ", 2)
    ahead = 86_400_000
    admin.hset(key, learner, f"{int(since) + ahead} {int(until) + ahead} {rest}")
    admin.zincrby("{erased-back:}erasures", ahead, learner)
    assert outbox.counts().oldest_erasure == 0
    (again,) = outbox.lease_erasures(10, 600)
    assert outbox.lease_erasures(10, 600) == []
    assert not outbox.erasure_done(request)
    assert outbox.erasure_done(again)


def test_an_unreadable_entry_erases_nobody_else(admin: redis.Redis, open_: Open) -> None:
    outbox = open_(prefix="unread:")
    outbox.request_erasure(somebody())
    for text in ("", "[]", "{", "null", '{"origin": 1, "external_user_id": {}}'):
        admin.xadd("{unread:}queue", {"completion": text})
    put(outbox)
    assert len(outbox.lease(10, 60)) == 1
    assert outbox.counts().dead == 5
