"""Why a connection fails, in words that the person who has to mend it understands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.errors import ConfigurationError
from bridge.stores.sql.engine import open_engine
from tests.contract.learners import somebody
from tests.integration.sql.base import Base
from tests.integration.sql.stores import opened
from tests.servers.need import need
from tests.servers.postgres import Postgres
from tests.servers.process import HOST, closed_port


def failure(url: str) -> tuple[StoreError, Finding]:
    """Return the error of a store that cannot be reached, and what `check` says of it."""
    with opened(url, connect_timeout=2) as store:
        with pytest.raises(StoreError) as raised:
            store.progress(somebody())
        (finding,) = store.check()
    assert finding.message in str(raised.value)
    assert finding.remedy in str(raised.value)
    assert finding.remedy
    return raised.value, finding


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Run a PostgreSQL with TLS that asks for passwords, and lets some in from nowhere."""
    need("postgresql")
    server = Postgres(
        settings={"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    )
    server._settings["ssl"] = "off"  # until there is a certificate
    server.start()
    folder = server.folder / "data"
    make_certificate(folder, "db.example.org")
    for name in ("server.crt", "server.key"):
        if user := server.user():
            shutil.chown(folder / name, user)
    server.psql(
        "postgres",
        "CREATE ROLE asked LOGIN PASSWORD 'right'; CREATE ROLE barred NOLOGIN;"
        "CREATE ROLE tls LOGIN; CREATE ROLE few LOGIN CONNECTION LIMIT 0;"
        "CREATE DATABASE closed ALLOW_CONNECTIONS false; CREATE DATABASE others;"
        "REVOKE CONNECT ON DATABASE others FROM PUBLIC",
    )
    rules = "host all asked 127.0.0.1/32 scram-sha-256\nhostssl all tls 127.0.0.1/32 trust\n"
    rules += "host all postgres,barred,few,nobody_at_all 127.0.0.1/32 trust\n"
    (folder / "pg_hba.conf").write_text(rules)
    server._settings["ssl"] = "on"
    server.restart()
    yield server
    server.remove()


def make_certificate(folder: Path, host: str) -> None:
    """Make a certificate that signs itself."""
    names = ["-keyout", folder / "server.key", "-out", folder / "server.crt"]
    subject = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *key, *map(str, names), *subject]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "server.key").chmod(0o600)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("asked:hush", "the password is wrong"),
        ("asked", "asks for a password, and there is none"),
        ("barred", "the role may not log in"),
        ("nobody_at_all", "there is no such role"),
        ("stranger", "lets nobody in"),
    ],
)
def test_who_may_not_log_in_is_told_why(strict: Postgres, user: str, words: str) -> None:
    error, _ = failure(strict.url().replace("postgres@", f"{user}@"))
    assert isinstance(error, StoreMisconfigured)
    assert words in str(error)
    assert "hush" not in str(error)
    assert user.partition(":")[0] not in str(error)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("nowhere", "there is no such database"),
        ("closed", "the database takes no connections"),
    ],
)
def test_a_base_that_lets_nobody_in_is_told(strict: Postgres, base: str, words: str) -> None:
    error, _ = failure(strict.url(base))
    assert isinstance(error, StoreMisconfigured)
    assert words in str(error)


def test_a_role_without_the_right_to_connect_is_told(strict: Postgres) -> None:
    error, finding = failure(strict.url("others").replace("postgres@", "tls@"))
    assert isinstance(error, StoreMisconfigured)
    assert "may not use this database" in finding.message


def test_connections_used_up_are_awaited(strict: Postgres) -> None:
    error, _ = failure(strict.url().replace("postgres@", "few@"))
    assert isinstance(error, StoreUnavailable)
    assert "no connection left" in str(error)


def test_tls_that_fails_is_told_why(strict: Postgres, tmp_path: Path) -> None:
    ours = strict.folder / "data/server.crt"
    (tmp_path / "other").mkdir()
    make_certificate(tmp_path / "other", "localhost")
    other = tmp_path / "other/server.crt"
    for certificate, words in [
        (other, "no authority that is trusted here has signed it"),
        (ours, "is for another host"),
        (tmp_path / "none", "there is no file of trusted certificates"),
    ]:
        error, _ = failure(f"{strict.url()}?sslmode=verify-full&sslrootcert={certificate}")
        assert isinstance(error, StoreMisconfigured)
        assert words in str(error)


def test_a_server_without_tls_is_told(postgres: Postgres) -> None:
    error, _ = failure(f"{postgres.url()}?sslmode=require")
    assert isinstance(error, StoreMisconfigured)
    assert "TLS: the server does not speak it" in str(error)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid:5432", "there is no such host"),
        ("closed", "nobody listens there"),
    ],
)
def test_nobody_at_the_address_is_awaited(host: str, words: str) -> None:
    address = host.replace("closed", f"{HOST}:{closed_port()}")
    error, _ = failure(f"postgresql://bridge:hush@{address}/progress")
    assert isinstance(error, StoreUnavailable)
    assert words in str(error)
    assert "hush" not in str(error)


def test_a_socket_that_is_missing_is_told(tmp_path: Path) -> None:
    error, _ = failure(f"postgresql:///progress?host={tmp_path}")
    assert "there is no such socket" in str(error)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("ssl_ca_certs=/x", "ssl_ca_certs"),
        ("sslmod=require", "sslmod"),
        ("sslmode=require&sslmode=disable", "sslmode"),
        ("client_encoding=latin1", "client_encoding"),
        ("options=-c%20default_transaction_read_only%3Don", "default_transaction_read_only"),
        ("options=search_path%3Dx", "options"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(query: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"store.url: .*{name}"):
        open_engine(StoreSettings(url=f"postgresql://h/b?{query}"))


@pytest.mark.parametrize("query", ["sslmode=require", "sslrootcert=/x"])
def test_a_url_against_the_ca_file_is_refused(query: str, tmp_path: Path) -> None:
    settings = StoreSettings(url=f"postgresql://h/b?{query}", ca_file=tmp_path)
    with pytest.raises(ConfigurationError, match=query.partition("=")[0]):
        open_engine(settings)


def test_what_the_url_says_reaches_the_server(fresh_base: Base) -> None:
    url = f"{fresh_base.url}?application_name=ours&options=-c%20work_mem%3D5MB&connect_timeout=9"
    shown = "SELECT current_setting('application_name'), current_setting('work_mem')"
    with opened(url) as store, store._transaction() as connection:
        assert tuple(connection.exec_driver_sql(shown).one()) == ("ours", "5MB")


@pytest.mark.parametrize("option", ["nonsense%3D1", "TimeZone%3DNowhere", "max_connections%3D9"])
def test_a_setting_the_server_refuses_is_named(fresh_base: Base, option: str) -> None:
    error, _ = failure(f"{fresh_base.url}?options=-c%20{option}")
    assert isinstance(error, StoreMisconfigured)
    assert option.partition("%")[0] in str(error)
