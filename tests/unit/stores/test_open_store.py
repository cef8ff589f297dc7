"""Opening a store where what it needs is not installed, as in an LMS."""

import sys

import pytest

from bridge import ConfigurationError, Settings
from bridge.stores import open_store


@pytest.mark.parametrize("url", ["sqlite:///progress.db", "postgresql://127.0.0.1/progress"])
def test_without_sqlalchemy_an_sql_store_says_its_remedy(monkeypatch, url):
    for name in [name for name in sys.modules if name.startswith("bridge.stores.sql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ConfigurationError, match=r"sqlalchemy is not installed; pip install 'prog"):
        open_store(Settings.from_mapping({"store": {"url": url}}))


def test_an_sqlite_store_needs_no_driver_of_postgresql(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.startswith("bridge.stores.sql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings = {"store": {"url": f"sqlite:///{tmp_path}/progress.db"}}
    store = open_store(Settings.from_mapping(settings))
    assert all(finding.ok for finding in store.check())
    store.close()
