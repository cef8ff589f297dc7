"""The block's views and faces: for learners, authors and visitors."""

import gzip
import re
from pathlib import Path

import pytest

import progress_xblock
from bridge import Identity
from bridge.config import token_settings
from bridge.tokens import Tokens
from tests.unit.xblock.conftest import PLATFORM_ID

PACKAGE = Path(progress_xblock.__file__).parent
TOKENS = {"keys": [{"id": "2026-11", "secret": "k" * 32}]}
SITE = "https://mini.example.org"
FOR_NOBODY = f"{SITE}/lecons/1/#token="
LEARNERS_FILES = ("static/css/progress.css", "static/js/progress.js", "templates/progress.html")


@pytest.fixture
def embedded(course):
    course.fields |= {"complete_on": "page", "page_path": "lecons/1/"}
    course.block_settings |= {"mini_site": SITE, "tokens": TOKENS}
    return course


def launch(course):
    return course.handler("launch").json["url"]


class TestForLearners:
    def test_each_way_says_what_is_to_do(self, course):
        course.block_settings["mini_site"] = SITE
        said = {}
        for way in ("click", "seen", "page"):
            course.fields["complete_on"] = way
            said[way] = course.visit()["message"]
        assert said["click"] == "Not done yet."
        assert "after 10 s on your screen" in said["seen"]
        assert "Finish the activity above" in said["page"]

    def test_there_is_no_button_where_the_page_completes(self, embedded):
        assert embedded.visit()["button"] == ""
        assert embedded.click()["button"] == ""

    def test_the_authors_button_text_is_for_completing_alone(self, course):
        course.fields["button_text"] = "J’ai compris"
        assert course.visit()["button"] == "J’ai compris"
        assert course.click()["button"] == "Done"

    def test_the_authors_text_shows_only_when_done(self, course):
        course.fields["done_text"] = "Bravo !"
        assert course.visit()["note"] == ""
        face = course.click()
        assert face["note"] == "Bravo !"
        assert "Your progress is recorded." in face["message"]

    def test_what_the_author_wrote_is_shown_as_text(self, course):
        course.fields |= {"display_name": "<b>1</b>", "button_text": "<i>", "done_text": "<u>"}
        html = course.html()
        course.click()
        html += course.html()
        assert not any(tag in html for tag in ("<b>", "<i>", "<u>"))

    @pytest.mark.parametrize(("imported", "meant"), [(0, 1), (-5, 1), (99999, 3600), (None, 1)])
    def test_imported_seconds_are_brought_into_range(self, course, imported, meant):
        course.fields |= {"complete_on": "seen", "seen_seconds": imported}
        assert course.block().student_view().json_init_args["seconds"] == meant

    def test_an_imported_unknown_way_is_a_click(self, course):
        course.fields["complete_on"] = "scroll"
        assert course.visit()["message"] == "Not done yet."

    def test_without_mini_site_the_learner_is_told_why(self, course):
        course.fields["complete_on"] = "page"
        face = course.visit()
        assert (face["state"], face["active"]) == ("blocked", False)
        assert "where the page of this activity is" in face["message"]

    @pytest.mark.parametrize(("imported", "meant"), [(None, 100), (-5, 100), (99999, 2000)])
    def test_an_imported_height_is_brought_into_range(self, embedded, imported, meant):
        embedded.fields["page_height"] = imported
        assert f"height: {meant}px" in embedded.html()

    def test_a_height_is_written_for_browsers(self, embedded):
        embedded.fields["page_height"] = 1200
        assert "height: 1200px" in embedded.html()


class TestTheLaunch:
    def test_the_fragment_holds_a_five_minute_token(self, embedded):
        url, _, token = launch(embedded).partition("#token=")
        assert url == f"{SITE}/lecons/1/"
        read = Tokens(token_settings(TOKENS)).read(token)
        assert (read.identity, read.grains) == (Identity("funmooc", PLATFORM_ID), {"grain-1"})

    @pytest.mark.parametrize("site", [SITE, f"{SITE}/"])
    @pytest.mark.parametrize("path", ["lecons/1/", "/lecons/1/"])
    def test_slashes_are_neither_doubled_nor_lost(self, embedded, site, path):
        embedded.block_settings["mini_site"] = site
        embedded.fields["page_path"] = path
        assert launch(embedded).startswith(f"{SITE}/lecons/1/#")

    def test_without_a_path_it_is_the_first_page(self, embedded):
        embedded.fields["page_path"] = ""
        assert launch(embedded).startswith(f"{SITE}/#token=")

    @pytest.mark.parametrize(
        "tokens",
        [
            None,
            {"keys": []},
            {"keys": [{"id": "a", "secret": "x"}]},
            {"keys": [{"id": "a", "secret": "x" * 32, "origins": ["direct"]}]},
        ],
    )
    def test_without_usable_keys_there_is_no_token(self, embedded, tokens):
        embedded.block_settings["tokens"] = tokens
        assert launch(embedded) == FOR_NOBODY

    def test_without_a_grain_there_is_no_token(self, embedded):
        embedded.fields["grain_id"] = ""
        assert launch(embedded) == FOR_NOBODY

    @pytest.mark.parametrize("grain", ["x" * 256, "a\tb"])
    def test_an_imported_wrong_grain_gets_no_token(self, embedded, grain, caplog):
        embedded.fields["grain_id"] = grain
        assert launch(embedded) == FOR_NOBODY
        assert "the page gets no token: grain_id: " in caplog.text

    def test_block_and_token_name_imported_grains_alike(self, embedded):
        embedded.fields["grain_id"] = " grain-1 "
        token = launch(embedded).partition("#token=")[2]
        assert Tokens(token_settings(TOKENS)).read(token).grains == {"grain-1"}
        assert embedded.block().student_view().json_init_args["grain"] == "grain-1"

    def test_an_author_and_a_visitor_get_no_token(self, embedded, users):
        embedded.users = users(is_authenticated=False)
        assert launch(embedded) == FOR_NOBODY
        embedded.author_mode = True
        assert launch(embedded) == FOR_NOBODY

    def test_an_imported_path_elsewhere_is_not_launched(self, embedded):
        embedded.fields["page_path"] = "//evil.example/"
        assert launch(embedded) is None
        assert "this activity is not set up yet" in embedded.visit()["message"]
        assert "height:" not in embedded.html()  # no frame

    def test_a_block_that_embeds_nothing_launches_nothing(self, course):
        course.block_settings |= {"mini_site": SITE, "tokens": TOKENS}
        assert launch(course) is None

    def test_a_wrong_mini_site_is_none(self, embedded):
        embedded.block_settings["mini_site"] = "mini.example.org"
        assert launch(embedded) is None
        assert embedded.visit()["state"] == "blocked"

    def test_it_is_asked_for_by_post_alone(self, embedded):
        assert embedded.handler("launch", method="GET").status_code == 405

    def test_no_view_holds_a_token(self, embedded):
        fragment = embedded.block().student_view()
        assert "eyJ" not in fragment.content + str(fragment.json_init_args)


class TestForAuthors:
    def view(self, course):
        return course.block().author_view()

    def test_the_preview_is_marked_and_names_ids(self, course):
        course.fields |= {"grain_id": "g-42", "sequence_id": "s-1"}
        course.author_mode = True
        html = self.view(course).content
        for text in ("Preview", "Nothing is recorded from here", "g-42", "s-1", "Not done yet."):
            assert text in html

    def test_what_is_not_set_is_said(self, course):
        course.fields["grain_id"] = ""
        course.author_mode = True
        html = self.view(course).content
        assert "not set" in html
        assert "this activity is not set up yet" in html

    def test_the_page_and_the_grade_are_named(self, embedded):
        embedded.fields["counts_for_grade"] = True
        html = self.view(embedded).content
        assert f"{SITE}/lecons/1/" in html
        assert "<dd>Counts</dd>" in html

    def test_its_button_sends_nothing_and_says_so(self, course):
        course.author_mode = True
        arguments = self.view(course).json_init_args
        assert arguments["preview"] == "Preview: nothing is recorded from here."
        assert course.block().student_view().json_init_args["preview"] == ""

    def test_studio_shows_it_instead_of_the_learners_view(self, course):
        assert course.block().has_author_view

    def test_an_author_always_sees_the_first_face(self, course):
        course.click()
        assert self.view(course).json_init_args["face"]["state"] == "none"


class TestForVisitors:
    def test_a_visitor_is_told_to_sign_in(self, course):
        fragment = course.block().public_view()
        assert "keep track" in fragment.content
        assert "Sign in to keep your progress." in fragment.content
        assert "<button" not in fragment.content
        assert fragment.js_init_fn is None

    def test_they_read_it_in_french(self, course):
        course.language = "fr"
        assert "Connectez-vous" in course.block().public_view().content


@pytest.mark.parametrize("template", ["progress", "preview", "public", "studio"])
def test_templates_have_no_words_of_their_own(template):
    text = (PACKAGE / f"templates/{template}.html").read_text(encoding="utf-8")
    for markup in (r"{#.*?#}", r"{%.*?%}", r"{{.*?}}", r"<.*?>"):
        text = re.sub(markup, "", text, flags=re.DOTALL)
    assert text.split() == []


def test_the_script_says_only_what_it_is_given():
    script = (PACKAGE / "static/js/progress.js").read_text(encoding="utf-8")
    said = re.findall(r"(?:say|write)\([^;]*?\);", script)
    assert said
    assert [call for call in said if re.search(r'"[A-Z]|" |[a-z] [a-z]', call)] == []


def test_a_page_loads_under_15_kilobytes():
    weight = sum(len(gzip.compress((PACKAGE / name).read_bytes())) for name in LEARNERS_FILES)
    assert weight < 15_000
