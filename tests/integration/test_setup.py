"""`progress-bridge setup` on real Directus servers."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.config import Names, Secret
from bridge.errors import ConfigurationError, StoreMisconfigured
from bridge.stores.directus.setup.grant import NAME, grant
from bridge.stores.directus.setup.register import register
from tests.integration.own_tables import admin_client, count, make_tables, run_sql
from tests.servers.directus import Directus

SERVERS = ["directus_pg", "directus_sqlite", "directus_10", "directus_12"]


@pytest.fixture(params=SERVERS)
def directus(request: pytest.FixtureRequest) -> Directus:
    server: Directus = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def mended(directus_pg: Directus) -> Iterator[Directus]:
    """Give a server whose rights and token the test may change, and put them right again."""
    token = directus_pg.token_file.read_text().strip()
    yield directus_pg
    run_setup(directus_pg)
    user = _bridge_user(directus_pg)
    directus_pg.request("PATCH", f"/users/{user['id']}", {"token": token})
    directus_pg.token_file.write_text(token)


def run_setup(directus: Directus, *words: str, token: str | None = None) -> Result:
    environ = {
        "PROGRESS_BRIDGE_ADMIN_TOKEN": token or directus.admin_token,
        "PROGRESS_BRIDGE_STORE_TOKEN_FILE": "/no/such/file",
    }
    return CliRunner().invoke(cli, ["setup", "--url", directus.url, *words], env=environ)


def registered(directus: Directus, names: Names, keep_activity: bool = False) -> list[str]:
    client = admin_client(directus)
    try:
        return list(register(client, names, keep_activity=keep_activity))
    finally:
        client.close()


def read(directus: Directus, path: str) -> Any:
    answer = directus.request("GET", path)
    assert answer.ok, answer.text
    return answer.json()["data"]


def _bridge_user(directus: Directus) -> dict[str, Any]:
    (role,) = read(directus, f'/roles?filter={{"name":{{"_eq":"{NAME}"}}}}')
    (user,) = read(directus, f'/users?filter={{"role":{{"_eq":"{role["id"]}"}}}}')
    return dict(user)


def test_a_second_run_changes_nothing(directus: Directus) -> None:
    result = run_setup(directus)
    assert result.output.startswith("Nothing to change")
    assert result.exit_code == 0
    settings = directus.store_settings
    assert settings.token is not None
    answer = directus.request("GET", "/users/me", token=settings.token.reveal())
    assert answer.ok


@pytest.fixture(scope="module", params=SERVERS)
def own(request: pytest.FixtureRequest) -> tuple[Directus, Names]:
    """Give a server, and tables on it that held a row when they were registered."""
    directus: Directus = request.getfixturevalue(request.param)
    names = make_tables(directus)
    run_sql(
        directus,
        f"INSERT INTO {names.learners} (origin, external_user_id) VALUES ('moodle', '1');"
        f"INSERT INTO {names.progress} (apprenant_id, grain_id, completed_at)"
        f" SELECT id, 'g', '2026-01-31 12:00:00' FROM {names.learners};",
    )
    assert registered(directus, names, keep_activity=True)
    return directus, names


def test_collections_and_fields_have_french_and_english_labels(
    own: tuple[Directus, Names],
) -> None:
    directus, names = own
    for path, french, english in (
        (f"/collections/{names.learners}", "Apprenants", "Learners"),
        (f"/collections/{names.progress}", "Progression", "Progress"),
        (f"/fields/{names.learners}/origin", "Origine", "Origin"),
        (f"/fields/{names.progress}/completed_at", "Terminé le", "Completed at"),
    ):
        labels = {
            label["language"]: label["translation"]
            for label in read(directus, path)["meta"]["translations"]
        }
        assert labels == {"fr-FR": french, "en-US": english}


def test_origin_is_a_drop_down_of_the_three(own: tuple[Directus, Names]) -> None:
    directus, names = own
    meta = read(directus, f"/fields/{names.learners}/origin")["meta"]
    assert meta["interface"] == "select-dropdown"
    choices = [choice["value"] for choice in meta["options"]["choices"]]
    assert choices == ["moodle", "funmooc", "direct"]


def test_registering_the_relation_loses_no_row_or_rule(
    own: tuple[Directus, Names],
) -> None:
    directus, names = own
    assert read(directus, f"/items/{names.learners}?fields=progress.grain_id") == [
        {"progress": [{"grain_id": "g"}]}
    ]
    relations = read(directus, f"/relations/{names.progress}")
    assert [relation["schema"]["on_delete"] for relation in relations] == ["CASCADE"]
    again = {"apprenant_id": 1, "grain_id": "g", "completed_at": "2026-01-31T12:00:00Z"}
    refused = directus.request("POST", f"/items/{names.progress}", again)
    assert refused.json()["errors"][0]["extensions"]["code"] == "RECORD_NOT_UNIQUE"


def test_activity_is_turned_off_unless_kept(own: tuple[Directus, Names]) -> None:
    directus, names = own
    both = (names.learners, names.progress)
    assert [_accountability(directus, name) for name in both] == ["all", "all"]
    changes = registered(directus, names)
    assert len(changes) == 2
    assert all("activity and revisions off" in change for change in changes)
    assert [_accountability(directus, name) for name in both] == [None, None]


def _accountability(directus: Directus, collection: str) -> str | None:
    kept: str | None = read(directus, f"/collections/{collection}")["meta"]["accountability"]
    return kept


def test_a_missing_foreign_key_is_made(directus: Directus) -> None:
    names = make_tables(directus, "key")
    registered(directus, names)
    (relation,) = read(directus, f"/relations/{names.progress}")
    assert relation["related_collection"] == names.learners
    assert relation["schema"]["on_delete"] == "CASCADE"


def test_orphaned_rows_stop_the_foreign_key(
    directus_pg: Directus,
) -> None:
    names = make_tables(directus_pg, "key")
    run_sql(
        directus_pg,
        f"INSERT INTO {names.progress} (apprenant_id, grain_id, completed_at)"
        " VALUES (99, 'g', now())",
    )
    with pytest.raises(StoreMisconfigured, match="a learner who is gone"):
        registered(directus_pg, names)


def test_the_data_owners_own_settings_are_kept(directus_pg: Directus) -> None:
    names = make_tables(directus_pg)
    directus_pg.request("POST", "/utils/cache/clear?system")
    own = {"interface": "input-multiline", "note": "à nous", "readonly": False}
    path = f"/fields/{names.progress}/grain_id"
    assert directus_pg.request("PATCH", path, {"meta": own}).ok
    changes = registered(directus_pg, names)
    meta = read(directus_pg, path)["meta"]
    assert own.items() <= meta.items()
    assert meta["translations"], "what was empty is filled"
    assert any(f"{names.progress}.grain_id: " in c and "labels" in c for c in changes)
    assert registered(directus_pg, names) == []


def test_another_alias_name_is_asked_to_be_configured(
    directus_pg: Directus,
) -> None:
    names = make_tables(directus_pg)
    registered(directus_pg, names)
    body = read(directus_pg, f"/relations/{names.progress}/apprenant_id")
    body["meta"] = {"one_field": "parcours"}
    assert directus_pg.request("PATCH", f"/relations/{names.progress}/apprenant_id", body).ok
    with pytest.raises(ConfigurationError, match=r"learner_fields\.progress.*parcours"):
        registered(directus_pg, names)


def test_sqlite_with_an_unnamed_foreign_key_is_refused(
    directus_sqlite: Directus,
) -> None:
    names = make_tables(directus_sqlite, "key")
    run_sql(
        directus_sqlite,
        f"DROP TABLE {names.progress}; CREATE TABLE {names.progress} (id INTEGER PRIMARY KEY,"
        f" apprenant_id INTEGER REFERENCES {names.learners} (id), grain_id TEXT, module_id TEXT,"
        " sequence_id TEXT, completed_at TIMESTAMP)",
    )
    with pytest.raises(StoreMisconfigured, match=f"CONSTRAINT {names.progress}_apprenant_id"):
        registered(directus_sqlite, names)
    assert len(read(directus_sqlite, f"/relations/{names.progress}")) == 1


def test_missing_tables_name_the_script_to_run(directus_pg: Directus, tmp_path: Path) -> None:
    result = _setup_with_names(directus_pg, tmp_path, learners="nobody", progress="nothing")
    assert result.exit_code == 1
    assert result.output.startswith("Error: no table nobody")
    assert "sql/schema-multi-origin.sql" in result.output
    assert result.output.count("\n") == 1


def test_an_old_base_is_sent_to_the_migration(directus_pg: Directus, tmp_path: Path) -> None:
    names = make_tables(directus_pg)
    run_sql(directus_pg, f"ALTER TABLE {names.learners} DROP COLUMN external_user_id CASCADE")
    result = _setup_with_names(
        directus_pg, tmp_path, learners=names.learners, progress=names.progress
    )
    assert result.exit_code == 1
    assert "no column external_user_id" in result.output
    assert "schema-migration-multi-origin.sql" in result.output


def _setup_with_names(directus: Directus, folder: Path, *words: str, **names: str) -> Result:
    config = folder / "bridge.yaml"
    config.write_text(yaml.safe_dump({"store": {"url": directus.url, "names": names}}))
    return CliRunner().invoke(
        cli,
        ["--config", str(config), "setup", *words],
        env={"PROGRESS_BRIDGE_ADMIN_TOKEN": directus.admin_token},
    )


def test_the_data_owners_names_go_all_the_way(mended: Directus, tmp_path: Path) -> None:
    names = make_tables(mended)
    of = {"learners": names.learners, "progress": names.progress}
    result = _setup_with_names(mended, tmp_path, **of)
    assert result.exit_code == 0, result.output
    environ = {"PROGRESS_BRIDGE_STORE_TOKEN_FILE": str(mended.token_file)}
    config = ["--config", str(tmp_path / "bridge.yaml")]
    check = CliRunner().invoke(cli, [*config, "check"], env=environ)
    assert check.exit_code == 0, check.output
    for at, said in (("2026-02-01", "recorded"), ("2026-01-01", "moved to this earlier")):
        words = [*config, "record", "moodle", "7", "g", "--at", f"{at}T00:00:00Z"]
        assert said in CliRunner().invoke(cli, words, env=environ).output
    assert count(mended, names.learners) == count(mended, names.progress) == 1


def test_rights_end_up_exactly_as_needed(directus: Directus) -> None:
    held = {
        (permission["collection"], permission["action"]) for permission in permissions(directus)
    }
    assert held == {
        *(("apprenants", action) for action in ("create", "read", "update", "delete")),
        *(("progress", action) for action in ("create", "read", "delete")),
    }


def test_rights_are_given_back_and_taken_away(mended: Directus) -> None:
    by_action = {(p["collection"], p["action"]): p for p in permissions(mended)}
    read_progress = by_action["progress", "read"]
    mended.request("DELETE", f"/permissions/{read_progress['id']}")
    create = by_action["apprenants", "create"]
    mended.request("PATCH", f"/permissions/{create['id']}", {"fields": ["origin"]})
    extra = {"collection": "progress", "action": "update", "fields": ["*"]}
    mended.request("POST", "/permissions", {**extra, "policy": read_progress["policy"]})
    result = run_setup(mended)
    assert "right: read progress" in result.output
    assert "right: create apprenants" in result.output
    assert "right: update progress: taken away" in result.output
    test_rights_end_up_exactly_as_needed(mended)
    assert run_setup(mended).output.startswith("Nothing to change")


def permissions(directus: Directus) -> list[dict[str, Any]]:
    path = "/roles" if directus.version.startswith("10.") else "/policies"
    (owner,) = read(directus, f'{path}?filter={{"name":{{"_eq":"{NAME}"}}}}')
    key = path[1:-1].replace("policie", "policy")
    wanted = f'{{"{key}":{{"_eq":"{owner["id"]}"}}}}'
    permissions: list[dict[str, Any]] = read(directus, f"/permissions?limit=-1&filter={wanted}")
    return permissions


def test_the_bridges_token_may_do_no_more(directus: Directus) -> None:
    token = directus.token_file.read_text().strip()
    for method, path, body in (
        ("GET", "/users?fields=email&filter[email][_nnull]=true", None),
        ("GET", "/collections", None),
        ("PATCH", "/items/progress", {"keys": [], "data": {"grain_id": "x"}}),
        ("POST", "/utils/cache/clear?system", None),
        ("POST", "/collections", {"collection": "mine"}),
    ):
        answer = directus.request(method, path, body, token=token)
        assert answer.status_code == 403 or answer.json() == {"data": []}, (method, path)


def test_a_new_token_replaces_the_old_one(mended: Directus, tmp_path: Path) -> None:
    old, file = mended.token_file.read_text().strip(), tmp_path / "token"
    file.touch(0o644)
    result = run_setup(mended, "--new-token", "--token-file", str(file))
    assert result.exit_code == 0
    new = file.read_text().strip()
    assert new not in result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert mended.request("GET", "/users/me", token=new).ok
    assert mended.request("GET", "/users/me", token=old).status_code == 401


def test_without_a_file_a_token_is_printed_once(mended: Directus) -> None:
    result = run_setup(mended, "--new-token")
    (line,) = (line for line in result.output.splitlines() if "token, shown" in line)
    assert mended.request("GET", "/users/me", token=line.split()[-1]).ok
    assert line.split()[-1] not in run_setup(mended).output


def test_an_unwritable_token_file_stops_setup_first(mended: Directus, tmp_path: Path) -> None:
    words = ("--new-token", "--token-file", str(tmp_path / "no" / "token"))
    result = run_setup(mended, *words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    old = mended.token_file.read_text().strip()
    assert mended.request("GET", "/users/me", token=old).ok


def test_without_a_token_no_file_is_left(directus_pg: Directus, tmp_path: Path) -> None:
    result = run_setup(directus_pg, "--token-file", str(tmp_path / "token"))
    assert not (tmp_path / "token").exists()
    assert result.exit_code == 1
    assert f"--token-file {tmp_path / 'token'}: not written" in result.output
    assert "--new-token" in result.output


@pytest.mark.parametrize("held", ["", "another token", "é\x00"])
def test_a_file_without_the_token_is_told(directus: Directus, tmp_path: Path, held: str) -> None:
    file = tmp_path / "token"
    file.write_text(held)
    result = run_setup(directus, "--token-file", str(file))
    assert (result.exit_code, file.read_text()) == (1, held)
    assert "not written" in result.output


def test_an_administrators_token_is_not_the_bridges(directus: Directus, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(directus.admin_token)
    assert run_setup(directus, "--token-file", str(tmp_path / "token")).exit_code == 1


def test_the_file_that_holds_the_token_is_well(directus: Directus) -> None:
    result = run_setup(directus, "--token-file", str(directus.token_file))
    assert result.exit_code == 0, result.output


def test_a_suspended_user_is_made_active_again(mended: Directus) -> None:
    user = _bridge_user(mended)
    mended.request("PATCH", f"/users/{user['id']}", {"status": "suspended"})
    assert "active again" in run_setup(mended).output


def test_a_token_without_admin_rights_is_refused(
    directus: Directus,
) -> None:
    result = run_setup(directus, token=directus.token_file.read_text().strip())
    assert (result.exit_code, result.output) == (
        1,
        "Error: the token is not that of an administrator\n",
    )


def test_a_wrong_token_is_refused_and_not_shown(
    directus_pg: Directus,
) -> None:
    result = run_setup(directus_pg, token="wrong-secret")
    assert result.exit_code == 1
    assert "the token is not valid" in result.output
    assert "wrong-secret" not in result.output
    assert result.output.count("\n") == 1


def test_a_policy_without_its_role_is_attached(mended: Directus) -> None:
    (role,) = read(mended, f'/roles?filter={{"name":{{"_eq":"{NAME}"}}}}&fields=id,policies')
    body = {"policies": {"create": [], "update": [], "delete": role["policies"]}}
    assert mended.request("PATCH", f"/roles/{role['id']}", body).ok
    delivered: list[Secret] = []
    client = admin_client(mended)
    changes = list(grant(client, Names(), delivered.append))
    client.close()
    assert changes == [f"role “{NAME}”: given the policy"]
    assert delivered == []


def test_a_key_that_leaves_rows_ownerless_is_told(directus_pg: Directus) -> None:
    names = make_tables(directus_pg, "key")
    run_sql(
        directus_pg,
        f"ALTER TABLE {names.progress} ALTER apprenant_id DROP NOT NULL, "
        f"ADD CONSTRAINT {names.progress}_apprenant_id_foreign FOREIGN KEY (apprenant_id) "
        f"REFERENCES {names.learners} (id) ON DELETE SET NULL",
    )
    registered(directus_pg, names)
    (told,) = registered(directus_pg, names)
    assert "ON DELETE SET NULL" in told
    assert "make it ON DELETE CASCADE" in told
