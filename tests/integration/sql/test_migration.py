"""schema-migration-multi-origin.sql on the bases it can migrate."""

from __future__ import annotations

import pytest

from tests.integration.sql.base import Base, MakeBase, old_tables

IDENTITIES = "SELECT id, origin, external_user_id FROM apprenants ORDER BY id"
NOTHING_TO_DO = "Rien à faire"


@pytest.mark.parametrize("stop", [[], ["-v", "ON_ERROR_STOP=1"], ["-1"]], ids=str)
def test_learners_get_their_origin_and_external_id(old_base: Base, stop: list[str]) -> None:
    done = old_base.migrate(*stop)
    assert done.returncode == 0, done.stderr
    assert "3 apprenants" in done.stdout
    assert old_base.rows(IDENTITIES) == [
        (1, "moodle", "11"),
        (2, "moodle", "12"),
        (3, "moodle", "13"),
    ]


@pytest.mark.parametrize(
    "column",
    [
        "smallint",
        "integer",
        "integer NOT NULL DEFAULT 0",
        "bigint NOT NULL UNIQUE",
        "numeric(20)",
        "varchar(20) NOT NULL UNIQUE",
        "text DEFAULT ''",
        "char(20)",
    ],
)
def test_moodle_user_id_may_be_of_any_type(make_base: MakeBase, column: str) -> None:
    base = make_base(old_tables(column), "INSERT INTO apprenants (moodle_user_id) VALUES ('12')")
    done = base.migrate()
    assert done.returncode == 0, done.stderr
    base.do("INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '13')")
    base.do("INSERT INTO apprenants (origin, external_user_id) VALUES ('direct', 'x')")
    assert base.rows(IDENTITIES) == [(1, "moodle", "12"), (2, "moodle", "13"), (3, "direct", "x")]
    assert base.rows("SELECT id FROM apprenants WHERE moodle_user_id = '13'") == [(2,)]


def test_the_largest_moodle_id_is_taken(make_base: MakeBase) -> None:
    base = make_base(old_tables("bigint"), f"INSERT INTO apprenants VALUES (1, {2**63 - 1})")
    assert base.migrate().returncode == 0
    assert base.rows(IDENTITIES) == [(1, "moodle", "9223372036854775807")]


def test_spaces_around_a_moodle_id_are_dropped(make_base: MakeBase) -> None:
    base = make_base(old_tables("text"), r"INSERT INTO apprenants VALUES (1, E' \t12\x0b\n')")
    assert base.migrate().returncode == 0
    assert base.rows(IDENTITIES) == [(1, "moodle", "12")]


def test_an_empty_base_is_migrated(make_base: MakeBase) -> None:
    base = make_base(old_tables())
    assert base.migrate().returncode == 0
    assert base.rows(IDENTITIES) == []
    assert NOTHING_TO_DO in base.migrate().stdout


def test_nothing_else_in_the_base_changes(old_base: Base) -> None:
    old_base.do(
        "ALTER TABLE apprenants ADD COLUMN classe text DEFAULT 'B', ADD COLUMN note numeric",
        "UPDATE apprenants SET note = id, email = id || '@example.org'",
        "CREATE TABLE autre (id int PRIMARY KEY, apprenant int REFERENCES apprenants (id))",
        "INSERT INTO autre SELECT id + 10, id FROM apprenants",
        "CREATE VIEW moodle AS SELECT id, moodle_user_id FROM apprenants",
        "CREATE FUNCTION rien() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        """CREATE CONSTRAINT TRIGGER plus_tard AFTER UPDATE ON apprenants
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rien()""",
    )
    queries = [
        "SELECT id, moodle_user_id, email, date_creation, classe, note FROM apprenants ORDER BY id",
        "SELECT * FROM autre ORDER BY id",
        "SELECT * FROM moodle ORDER BY id",
        "SELECT * FROM progress ORDER BY id",
    ]
    before = [old_base.rows(query) for query in queries]
    assert old_base.migrate().returncode == 0
    assert [old_base.rows(query) for query in queries] == before
    with pytest.raises(Exception, match="autre_apprenant_fkey"):
        old_base.do("INSERT INTO autre VALUES (99, 99)")


def test_the_structure_of_progress_does_not_change(old_base: Base) -> None:
    def progress() -> list[object]:
        return [[row for row in rows if row[0] == "progress"] for rows in old_base.structure()]

    before = progress()
    assert old_base.migrate().returncode == 0
    assert progress() == before


def test_a_second_run_changes_nothing(migrated_base: Base) -> None:
    before = migrated_base.dump()
    again = migrated_base.migrate()
    assert (again.returncode, again.stderr) == (0, "")
    assert NOTHING_TO_DO in again.stdout
    assert migrated_base.dump() == before


def test_a_fresh_base_has_nothing_to_migrate(fresh_base: Base) -> None:
    before = fresh_base.dump()
    done = fresh_base.migrate()
    assert (done.returncode, done.stderr) == (0, "")
    assert NOTHING_TO_DO in done.stdout
    assert fresh_base.dump() == before


def test_a_fresh_base_is_made_once(fresh_base: Base) -> None:
    before = fresh_base.dump()
    again = fresh_base.script("schema-multi-origin.sql")
    assert again.returncode == 0
    assert NOTHING_TO_DO in again.stdout
    assert fresh_base.dump() == before


def test_the_fresh_schema_refuses_an_old_base(old_base: Base) -> None:
    before = old_base.dump()
    done = old_base.script("schema-multi-origin.sql")
    assert done.returncode == 3
    assert "schema-migration-multi-origin.sql" in done.stderr
    assert old_base.dump() == before


def test_migrated_and_fresh_differ_in_moodle_user_id(migrated_base: Base, fresh_base: Base) -> None:
    assert migrated_base.script("progress-unique.sql").returncode == 0
    columns, constraints, indexes = migrated_base.structure()
    # NOT NULL is a CHECK there: Directus would refuse the old writers' rows before the trigger.
    nullable = {row[1] for row in columns if row[0] == "apprenants" and row[4] == "YES"}
    assert nullable == {"moodle_user_id", "origin", "external_user_id", "email", "date_creation"}
    identity = ("apprenants", "apprenants_identite_check")
    columns = [
        (*row[:4], "NO", *row[5:]) if row[1] in ("origin", "external_user_id") else row
        for row in columns
        if row[1] != "moodle_user_id"
    ]
    assert [row for row in constraints if row[:2] == identity]
    constraints = [
        row for row in constraints if row[:2] != identity and "moodle_user_id" not in row[1]
    ]
    indexes = [row for row in indexes if "moodle_user_id" not in row[1]]
    assert [columns, constraints, indexes] == fresh_base.structure()


def test_the_tables_are_found_by_the_search_path(make_base: MakeBase) -> None:
    base = make_base("CREATE SCHEMA cours", "SET search_path = cours;" + old_tables())
    refused = base.migrate()
    assert refused.returncode == 3
    assert "search_path" in refused.stderr
    base.do("INSERT INTO cours.apprenants (moodle_user_id) VALUES (12)")
    path = {"PGOPTIONS": "-c search_path=public,cours"}
    assert base.migrate(**path).returncode == 0
    assert base.script("progress-unique.sql", **path).returncode == 0
    assert NOTHING_TO_DO in base.migrate(**path).stdout
    # The trigger works for a writer with another search_path.
    base.do("INSERT INTO cours.apprenants (moodle_user_id) VALUES (13)")
    assert base.rows("SELECT external_user_id FROM cours.apprenants ORDER BY id") == [
        ("12",),
        ("13",),
    ]
    assert base.rows(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ) == [(0,)]


def test_a_base_in_latin_1_is_migrated(make_base: MakeBase) -> None:
    base = make_base(old_tables(), encoding="LATIN1")
    for script in ("schema-migration-multi-origin.sql", "progress-unique.sql"):
        done = base.script(script)
        assert done.returncode == 0, done.stderr
    assert NOTHING_TO_DO in base.migrate().stdout


HALF_MIGRATED = {
    "columns only": "",
    "some rows filled": """UPDATE apprenants
        SET origin = 'moodle', external_user_id = '12' WHERE id = 2""",
    "origin filled": "UPDATE apprenants SET origin = 'moodle'",
    "external id filled": "UPDATE apprenants SET external_user_id = moodle_user_id::text",
    "default and NOT NULL": """ALTER TABLE apprenants ALTER origin SET DEFAULT 'moodle';
        UPDATE apprenants SET origin = 'moodle', external_user_id = moodle_user_id;
        ALTER TABLE apprenants ALTER origin SET NOT NULL, ALTER external_user_id SET NOT NULL""",
    "other types": """ALTER TABLE apprenants ALTER origin TYPE text,
        ALTER external_user_id TYPE bigint USING moodle_user_id""",
    "narrower types": """ALTER TABLE apprenants ALTER origin TYPE varchar(10),
        ALTER external_user_id TYPE varchar(10)""",
    "constraint": "ALTER TABLE apprenants ADD UNIQUE (origin, external_user_id)",
    "constraint of another name": """ALTER TABLE apprenants
        ADD CONSTRAINT identite UNIQUE (origin, external_user_id)""",
    "unique index": "CREATE UNIQUE INDEX identite ON apprenants (origin, external_user_id)",
    "partial unique index": """CREATE UNIQUE INDEX identite ON apprenants (origin, external_user_id)
        WHERE origin = 'moodle'""",
    "narrower check": "ALTER TABLE apprenants ADD CHECK (origin IN ('moodle', 'funmooc'))",
    "check of another name": """ALTER TABLE apprenants ADD CONSTRAINT verif
        CHECK (origin IN ('moodle', 'funmooc', 'direct')) NOT VALID""",
}


@pytest.fixture(scope="module")
def reference(make_base: MakeBase) -> Base:
    """Migrate a base that nobody touched before."""
    base = make_base()
    base.script("schema.sql")
    base.migrate()
    return base


@pytest.mark.parametrize("by_hand", HALF_MIGRATED.values(), ids=HALF_MIGRATED.keys())
def test_a_half_migrated_base_ends_like_the_others(
    old_base: Base, reference: Base, by_hand: str
) -> None:
    old_base.do(
        "ALTER TABLE apprenants ADD origin varchar(50), ADD external_user_id varchar(255)", by_hand
    )
    done = old_base.migrate()
    assert done.returncode == 0, done.stderr
    assert old_base.rows(IDENTITIES) == [
        (1, "moodle", "11"),
        (2, "moodle", "12"),
        (3, "moodle", "13"),
    ]
    columns, constraints, indexes = old_base.structure()
    assert [columns, constraints] == reference.structure()[:2]
    assert [row for row in indexes if " WHERE " not in row[2]] == reference.structure()[2]
    assert NOTHING_TO_DO in old_base.migrate().stdout


def test_rows_written_the_new_way_reach_old_readers(old_base: Base) -> None:
    old_base.do(
        "ALTER TABLE apprenants ADD origin text, ADD external_user_id text",
        "ALTER TABLE apprenants ALTER moodle_user_id DROP NOT NULL",
        """INSERT INTO apprenants (origin, external_user_id)
           VALUES ('funmooc', 'abc'), ('moodle', '99')""",
    )
    assert old_base.migrate().returncode == 0
    assert old_base.rows(IDENTITIES)[3:] == [(4, "funmooc", "abc"), (5, "moodle", "99")]
    assert old_base.rows("SELECT id FROM apprenants WHERE moodle_user_id = 99") == [(5,)]


def test_a_base_without_old_ids_gets_its_constraints(make_base: MakeBase, fresh_base: Base) -> None:
    base = make_base(
        "CREATE TABLE apprenants (id serial PRIMARY KEY, origin text, external_user_id text)",
        "INSERT INTO apprenants VALUES (1, 'direct', 'x')",
    )
    done = base.migrate()
    assert done.returncode == 0, done.stderr
    fresh = [[row for row in rows if row[0] == "apprenants"] for rows in fresh_base.structure()]
    assert base.structure() == fresh
    assert NOTHING_TO_DO in base.migrate().stdout
