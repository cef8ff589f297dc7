"""`progress-bridge check` on real Directus servers, and on what is broken about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.checks import Finding
from bridge.cli import cli
from bridge.config import Names, Secret, StoreSettings
from bridge.stores.directus import DirectusStore
from bridge.stores.directus.rights import DirectusRight, needed_rights
from tests.integration.own_tables import (
    admin_settings,
    count,
    make_tables,
    run_sql,
)
from tests.integration.test_setup import SERVERS, permissions, read, registered
from tests.servers.directus import Directus, set_up
from tests.servers.process import closed_port

ADMINISTRATOR = "the token is an administrator's"


@pytest.fixture(params=SERVERS)
def directus(request: pytest.FixtureRequest) -> Directus:
    server: Directus = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def mended(directus: Directus) -> Iterator[Directus]:
    """Give a server that the test may break, and run setup after it."""
    yield directus
    set_up(directus)


def findings(settings: StoreSettings) -> list[Finding]:
    store = DirectusStore(settings)
    try:
        return store.check()
    finally:
        store.close()


def bad(settings: StoreSettings) -> list[Finding]:
    """Return what is wrong, but for the administrator's token, which many tests here use."""
    return [
        each for each in findings(settings) if not each.ok and ADMINISTRATOR not in each.message
    ]


def run_check(directus: Directus, *words: str, **environ: str) -> Result:
    env = {
        "PROGRESS_BRIDGE_STORE_URL": directus.url,
        "PROGRESS_BRIDGE_STORE_TOKEN_FILE": str(directus.token_file),
        **environ,
    }
    return CliRunner().invoke(cli, ["check", *words], env=env)


def test_all_is_well_after_setup(directus: Directus) -> None:
    result = run_check(directus)
    assert result.exit_code == 0, result.output
    assert f"Directus {directus.version} answers" in result.output
    assert result.output.splitlines()[-1] == "Completions are recorded."
    assert "FAIL" not in result.output


def test_the_answer_as_json(directus_pg: Directus) -> None:
    result = run_check(directus_pg, "--json")
    answer = json.loads(result.output)
    assert answer["ok"] is True
    assert answer["store"] == directus_pg.url
    assert {"ok", "fatal", "message", "remedy"} == set(answer["findings"][0])


def test_nothing_is_written(directus: Directus) -> None:
    names = _own_with_a_learner(directus)
    settings = admin_settings(directus, names)
    assert bad(settings) == []
    assert (count(directus, names.learners), count(directus, names.progress)) == (1, 0)


def _own_with_a_learner(directus: Directus, *without: str) -> Names:
    names = make_tables(directus, *without)
    registered(directus, names)
    learner = {"origin": "moodle", "external_user_id": "1"}
    assert directus.request("POST", f"/items/{names.learners}", learner).ok
    return names


def test_a_missing_constraint_is_told_and_nothing_written(
    directus: Directus,
) -> None:
    names = _own_with_a_learner(directus, "unique_learner", "unique_grain")
    learner, grain = bad(admin_settings(directus, names))
    assert f"UNIQUE(origin, external_user_id) on {names.learners}: missing" in learner.message
    assert learner.fatal
    assert "sql/schema-migration-multi-origin.sql" in learner.remedy
    assert f"UNIQUE(apprenant_id, grain_id) on {names.progress}: missing" in grain.message
    assert not grain.fatal
    assert "sql/progress-unique.sql" in grain.remedy
    assert (count(directus, names.learners), count(directus, names.progress)) == (1, 0)


def test_rows_a_base_without_constraints_takes_are_removed(
    directus: Directus,
) -> None:
    names = make_tables(directus, "unique_learner", "unique_grain")
    run_sql(directus, _without_constraints(directus, names.learners))
    registered(directus, names)
    (finding,) = bad(admin_settings(directus, names))
    assert "NOT NULL and the other constraints: missing" in finding.message
    assert count(directus, names.learners) == 0


def _without_constraints(directus: Directus, learners: str) -> str:
    if directus.database_url is not None:
        columns = ("origin", "external_user_id")
        loose = (f"ALTER {name} DROP NOT NULL, ALTER {name} TYPE text" for name in columns)
        return f"ALTER TABLE {learners} {', '.join(loose)}"
    return (
        f"DROP TABLE {learners}; CREATE TABLE {learners} (id INTEGER PRIMARY KEY,"
        " origin TEXT, external_user_id TEXT, email TEXT, date_creation TIMESTAMP)"
    )


def test_an_unfilled_compulsory_field_is_told(directus_pg: Directus) -> None:
    names = _own_with_a_learner(directus_pg)
    run_sql(directus_pg, f"ALTER TABLE {names.learners} ADD COLUMN city TEXT NOT NULL DEFAULT ''")
    run_sql(directus_pg, f"ALTER TABLE {names.learners} ALTER COLUMN city DROP DEFAULT")
    directus_pg.request("POST", "/utils/cache/clear?system")
    (finding,) = bad(admin_settings(directus_pg, names))
    assert finding.fatal
    assert "takes no rows of the bridge" in finding.message
    assert "city" in finding.message


@pytest.mark.parametrize("right", needed_rights(Names()), ids=str)
@pytest.mark.parametrize("name", ["directus_pg", "directus_10"])
def test_each_missing_right_is_told(
    name: str, right: DirectusRight, request: pytest.FixtureRequest
) -> None:
    directus: Directus = request.getfixturevalue(name)
    with _without_right(directus, right):
        result = run_check(directus)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "Completions are NOT recorded."
    assert "progress-bridge setup" in result.output
    told = f"no right to {right.action} {right.collection}"
    if right.action == "read" and name == "directus_10":  # which tells no rights
        told = f"collection {right.collection}: missing, or the token may not read it"
    assert told in result.output
    assert run_check(directus).exit_code == 0, "put back"


@contextmanager
def _without_right(directus: Directus, right: DirectusRight) -> Iterator[None]:
    (permission,) = (
        permission
        for permission in permissions(directus)
        if (permission["collection"], permission["action"]) == (right.collection, right.action)
    )
    directus.request("DELETE", f"/permissions/{permission.pop('id')}")
    try:
        yield
    finally:
        assert directus.request("POST", "/permissions", permission).ok


def test_a_partial_right_names_the_missing_fields(directus_pg: Directus) -> None:
    (permission,) = (
        permission
        for permission in permissions(directus_pg)
        if (permission["collection"], permission["action"]) == ("progress", "create")
    )
    path = f"/permissions/{permission['id']}"
    directus_pg.request("PATCH", path, {"fields": ["apprenant_id", "grain_id", "completed_at"]})
    try:
        (finding,) = bad(directus_pg.store_settings)
    finally:
        directus_pg.request("PATCH", path, {"fields": permission["fields"]})
    assert finding.message == "no right to create progress (module_id, sequence_id)"


def test_a_right_limited_by_rules_is_a_warning(directus_pg: Directus) -> None:
    (permission,) = (
        permission
        for permission in permissions(directus_pg)
        if (permission["collection"], permission["action"]) == ("apprenants", "delete")
    )
    path = f"/permissions/{permission['id']}"
    directus_pg.request("PATCH", path, {"permissions": {"origin": {"_eq": "moodle"}}})
    try:
        result = run_check(directus_pg)
    finally:
        directus_pg.request("PATCH", path, {"permissions": permission["permissions"]})
    assert result.exit_code == 0
    assert "warn  the right to delete apprenants is limited by rules" in result.output
    assert "is not tried" in result.output


def test_a_missing_field_is_told_by_its_name(directus: Directus) -> None:
    names = _own_with_a_learner(directus)
    of = replace(names.progress_fields, sequence_id="suite")
    told = bad(admin_settings(directus, replace(names, progress_fields=of)))
    assert any(f"field {names.progress}.suite: missing" in finding.message for finding in told)
    assert not any("grain_id" in finding.message for finding in told)
    assert all(finding.fatal for finding in told)


def test_a_missing_collection_is_told_with_its_remedy(directus: Directus) -> None:
    names = _own_with_a_learner(directus)
    settings = admin_settings(directus, replace(names, progress="nothing"))
    (finding, *_) = bad(settings)
    assert "collection nothing: missing" in finding.message
    assert "setup" in finding.remedy


def test_tables_that_are_not_registered_are_told(directus: Directus) -> None:
    names = make_tables(directus)
    directus.request("POST", "/utils/cache/clear?system")
    (finding,) = bad(admin_settings(directus, names))
    assert f"field {names.learners}.progress: not registered" in finding.message
    assert finding.remedy == "run progress-bridge setup"


def test_setup_mends_what_check_finds(mended: Directus) -> None:
    for permission in permissions(mended):
        mended.request("DELETE", f"/permissions/{permission['id']}")
    assert run_check(mended).exit_code == 1
    set_up(mended)
    assert run_check(mended).exit_code == 0


def test_a_wrong_token_is_told_and_not_shown(directus: Directus) -> None:
    result = run_check(
        directus,
        PROGRESS_BRIDGE_STORE_TOKEN="wrong-secret",
        PROGRESS_BRIDGE_STORE_TOKEN_FILE="",
    )
    assert result.exit_code == 1
    assert "the token is not valid" in result.output
    assert "--new-token" in result.output
    assert "wrong-secret" not in result.output


def test_nobody_at_the_address_is_told(directus_pg: Directus) -> None:
    result = run_check(directus_pg, PROGRESS_BRIDGE_STORE_URL=f"http://127.0.0.1:{closed_port()}")
    assert result.exit_code == 1
    assert "no connection: refused" in result.output
    assert "→ does it run, and is the port right?" in result.output


def test_a_path_that_is_not_directus_is_told(directus_pg: Directus) -> None:
    result = run_check(directus_pg, PROGRESS_BRIDGE_STORE_URL=f"{directus_pg.url}/admin")
    assert result.exit_code == 1
    assert "is store.url right" in result.output


def test_https_where_http_is_spoken_is_told(directus_pg: Directus) -> None:
    url = directus_pg.url.replace("http:", "https:")
    result = run_check(directus_pg, PROGRESS_BRIDGE_STORE_URL=url)
    assert result.exit_code == 1
    assert "FAIL" in result.output


def test_a_store_in_sqlite_is_checked_too(tmp_path: Path) -> None:
    env = {"PROGRESS_BRIDGE_STORE_URL": f"sqlite:///{tmp_path / 'progress.db'}"}
    result = CliRunner().invoke(cli, ["check"], env=env)
    assert result.exit_code == 0, result.output


def test_an_old_base_that_was_migrated_is_well(directus_pg: Directus) -> None:
    """Show that an extra column that may be empty, as moodle_user_id is, bothers nobody."""
    names = _own_with_a_learner(directus_pg)
    run_sql(directus_pg, f"ALTER TABLE {names.learners} ADD COLUMN moodle_user_id INTEGER UNIQUE")
    registered(directus_pg, names)
    assert bad(admin_settings(directus_pg, names)) == []
    fields: list[dict[str, Any]] = read(directus_pg, f"/fields/{names.learners}")
    (extra,) = (field for field in fields if field["field"] == "moodle_user_id")
    assert extra["meta"] is None


def test_an_administrators_token_is_a_warning(directus: Directus) -> None:
    result = run_check(
        directus,
        PROGRESS_BRIDGE_STORE_TOKEN=directus.admin_token,
        PROGRESS_BRIDGE_STORE_TOKEN_FILE="",
    )
    assert result.exit_code == 0, result.output
    assert f"warn  {ADMINISTRATOR}" in result.output
    assert "run progress-bridge setup, and give the bridge the token" in result.output
    assert ADMINISTRATOR not in run_check(directus).output


def test_a_token_that_may_give_itself_rights_is_a_warning(directus_pg: Directus) -> None:
    (policy,) = {permission["policy"] for permission in permissions(directus_pg)}
    more = {"collection": "directus_permissions", "action": "create", "fields": ["*"]}
    made = directus_pg.request("POST", "/permissions", {**more, "policy": policy}).json()["data"]
    try:
        assert f"warn  {ADMINISTRATOR}" in run_check(directus_pg).output
    finally:
        assert directus_pg.request("DELETE", f"/permissions/{made['id']}").ok


def test_a_rule_that_refuses_rows_is_told(directus: Directus) -> None:
    names = _own_with_a_learner(directus)
    path = f"/fields/{names.progress}/grain_id"
    rule = {"_and": [{"grain_id": {"_starts_with": "G"}}]}
    assert directus.request("PATCH", path, {"meta": {"validation": rule}}).ok
    told = bad(admin_settings(directus, names))
    assert any("refuse" in each.message for each in told), told
    assert (count(directus, names.learners), count(directus, names.progress)) == (1, 0)


def test_a_token_is_in_no_finding(directus_pg: Directus) -> None:
    settings = replace(directus_pg.store_settings, token=Secret("tell-nobody"))
    assert "tell-nobody" not in repr(findings(settings))
