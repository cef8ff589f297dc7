"""Pytest plugin: stands in for the MongoDB and the built front end that edX's tests expect."""

import mongomock
import pymongo
import pytest
from mongomock import database
from mongomock.gridfs import enable_gridfs_integration
from mongomock.store import ServerStore

enable_gridfs_integration()
ONE_SERVER = ServerStore()
plain_command = database.Database.command


def command(self, name, *args, **kwargs):
    asked = name if isinstance(name, str) else next(iter(name))
    return (
        {"ok": 1.0}
        if asked in ("ismaster", "hello", "ping")
        else plain_command(self, name, *args, **kwargs)
    )


class SharedClient(mongomock.MongoClient):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"_store": ONE_SERVER, **kwargs})

    def close(self):
        """Keep what is stored: every client is of the same server."""


database.Database.command = command
pymongo.MongoClient = SharedClient

from openedx.core.lib.safe_lxml import defuse_xml_libs  # noqa: E402 -- after the client is replaced

defuse_xml_libs()


@pytest.fixture(autouse=True)
def _without_webpack(monkeypatch):
    for function, answer in {
        "templatetags.webpack_loader.render_bundle": "",
        "utils.get_as_tags": [],
        "utils.get_files": [],
    }.items():
        monkeypatch.setattr(f"webpack_loader.{function}", lambda *_, answer=answer, **__: answer)
