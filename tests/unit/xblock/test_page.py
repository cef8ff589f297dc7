"""What the block sends to the browser, and what it does not do to send it."""

import gettext
import socket
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import progress_xblock
from bridge import StoreMisconfigured, StoreUnavailable
from progress_xblock.settings import bridge_for

PACKAGE = Path(progress_xblock.__file__).parent
FRENCH = PACKAGE / "translations/fr/LC_MESSAGES"


@pytest.fixture
def network(monkeypatch):
    """Let nothing through to the network, and return what was tried."""
    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError("no network here")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


@pytest.mark.parametrize("way", ["click", "seen", "page"])
@pytest.mark.parametrize("state", ["none", "done", "pending", "held"])
def test_no_view_uses_network_or_store(course, store, network, monkeypatch, state, way):
    course.fields["complete_on"] = way
    errors = {"pending": StoreUnavailable("refused"), "held": StoreMisconfigured("401")}
    course.block_settings["mini_site"] = "https://mini.example.org"
    store.error = errors.get(state)
    if state != "none":
        course.click()
    calls = store.calls
    monkeypatch.setattr("progress_xblock.sending.bridge_for", bridge_for)
    course.block_settings["store"] = {"url": "http://127.0.0.1:9", "token": "t"}
    assert course.visit()["state"] == state
    block = course.block()
    for view in (block.author_view, block.public_view, block.studio_view):
        view(None)
    assert (store.calls, network) == (calls, [])


def test_the_guard_notices_a_handlers_store(course, network, monkeypatch):
    monkeypatch.setattr("progress_xblock.sending.bridge_for", bridge_for)
    course.block_settings = {"store": {"url": "http://127.0.0.1:9", "token": "t"}}
    assert course.click()["state"] == "pending"
    assert network


def test_a_view_does_not_need_right_settings(course):
    course.block_settings = {"store": {"url": "nonsense"}, "no_such": "setting"}
    assert course.visit()["state"] == "none"


def test_the_page_says_the_state_without_script(course):
    course.click()
    html = course.html()
    assert 'data-state="done"' in html
    assert "Your progress is recorded." in html
    assert "{date}" not in html


def test_the_words_are_french_for_a_french_learner(course, store):
    course.language = "fr"
    assert "Marquer comme terminé" in course.html()
    store.error = StoreUnavailable("refused")
    assert "sera transmis automatiquement" in course.click()["message"]
    arguments = course.block().student_view().json_init_args
    assert arguments["texts"]["sending"] == "Enregistrement…"


def test_only_our_own_title_is_translated(course):
    course.language = "fr"
    assert "Ma progression" in course.html()
    course.fields["display_name"] = "My progress in chemistry"
    assert "My progress in chemistry" in course.html()


@pytest.mark.parametrize("title", ["", None])
def test_without_a_title_ours_stands(course, title):
    course.language = "fr"
    course.fields["display_name"] = title
    assert "Ma progression" in course.html()


def test_every_text_has_its_french():
    found = {text for *_, text, _, _ in extract_from_dir(PACKAGE, keywords={"_": None})}
    with (FRENCH / "text.po").open("rb") as file:
        catalogue = {m.id: m.string for m in read_po(file) if m.id}
    assert found == set(catalogue)
    assert [text for text, french in catalogue.items() if not french] == []


def test_placeholders_are_the_same_in_french():
    with (FRENCH / "text.po").open("rb") as file:
        for message in read_po(file):
            assert ("{date}" in message.id) == ("{date}" in message.string), message.id


def test_the_compiled_french_is_the_written_french():
    with (FRENCH / "text.po").open("rb") as po, (FRENCH / "text.mo").open("rb") as mo:
        written = {m.id: m.string for m in read_po(po) if m.id}
        compiled = {m.id: m.string for m in read_mo(mo) if m.id}
    assert written == compiled, "run: pybabel compile -D text -d progress_xblock/translations"


def test_the_lms_finds_the_french_where_it_looks():
    """XBlockI18nService: domain ``text`` under ``translations`` of the root module."""
    root = progress_xblock.ProgressXBlock.__module__.split(".")[0]
    assert root == "progress_xblock"
    found = gettext.translation("text", str(PACKAGE / "translations"), ["fr_CA"])
    assert found.gettext("Done") == "Terminé"
