"""What an author may save, field by field, and what Studio shows of it in the unit."""

import json
from unittest.mock import Mock, PropertyMock

import pytest
from webob import Request
from xblock.core import XBlock
from xblock.fields import ScopeIds

from progress_xblock import ProgressXBlock
from progress_xblock.studio_rules import is_wrong_path

REFUSED = {
    "seen_seconds": ([0, -1, 3601, None], "a whole number from 1 to 3600 is needed"),
    "page_height": ([99, 2001, None], "a whole number from 100 to 2000 is needed"),
    "weight": ([-0.1, None, float("nan"), float("inf")], "a number is needed, 0 or more"),
    "display_name": (["x" * 256], "too long (at most 255 characters)"),
    "button_text": (["x" * 61], "too long (at most 60 characters)"),
    "done_text": (["x" * 301], "too long (at most 300 characters)"),
    "page_path": (["x" * 501], "too long (at most 500 characters)"),
    "complete_on": (["scroll", "", None], "not one of the choices"),
}
ALLOWED = {
    "seen_seconds": [1, 3600],
    "page_height": [100, 2000],
    "weight": [0, 0.5, 100],
    "display_name": ["x" * 255, "Café"],
    "button_text": ["", "x" * 60],
    "done_text": ["", "Bravo !"],
    "page_path": [
        "",
        "/",
        "demo/",
        "/lecons/la-lumière/?lang=fr",
        "a..b",
        "a.b/c",
        "a%20b",
        "a?b=/../c",
    ],
    "complete_on": ["click", "seen", "page"],
    "counts_for_grade": [True, False],
}
NOT_PATHS = [
    "https://evil.example/",
    "HTTPS:evil.example",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "javascript:alert(1)",
    "data:text/html,hello",
    "../elsewhere/",
    "a/../../b",
    "a/./b",
    "%2e%2e/elsewhere",
    "%2E%2E%2Felsewhere",
    "%2f%2fevil.example",
    "page/#token=mine",
    "two words",
    "new\nline",
    "tab\tbed",
    "//[bad",
]


def save(course, **values):
    return course.handler("submit_studio_edits", {"values": values, "defaults": []})


def errors(response):
    return [message["text"] for message in response.json["error"]["messages"]]


def warnings(block):
    return [message.text for message in block.validate().messages]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (values, _) in REFUSED.items() for value in values]
)
def test_what_is_out_of_range_is_refused(course, name, value):
    response = save(course, **{name: value})
    assert response.status_code == 400
    title = ProgressXBlock.fields[name].display_name
    assert errors(response) == [f"{title}: {REFUSED[name][1]}"]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in ALLOWED.items() for value in values]
)
def test_what_is_in_range_is_kept(course, name, value):
    assert save(course, **{name: value}).status_code == 200
    assert getattr(course.block(), name) == value


@pytest.mark.parametrize("path", NOT_PATHS)
def test_a_path_that_would_lead_elsewhere_is_refused(course, path):
    assert is_wrong_path(path)
    (error,) = errors(save(course, page_path=path.strip()))
    assert error.startswith("Path of the embedded page: ")


def test_a_french_author_reads_ranges_in_french(course):
    course.language = "fr"
    (error,) = errors(save(course, seen_seconds=0))
    assert error == "Secondes à l’écran\xa0: il faut un nombre entier de 1 à 3600"


def test_all_that_is_wrong_is_said_at_once(course):
    assert len(errors(save(course, seen_seconds=0, weight=-1, grain_id="a\nb"))) == 3


def test_a_missing_mini_site_shows_in_the_unit(course):
    course.fields["complete_on"] = "page"
    (warning,) = warnings(course.block())
    assert "no mini-site set" in warning
    course.block_settings["mini_site"] = "https://mini.example.org"
    (warning,) = warnings(course.block())
    assert "no key for launch tokens" in warning
    course.block_settings["tokens"] = {"keys": [{"id": "2026-11", "secret": "k" * 32}]}
    assert warnings(course.block()) == []


def test_settings_not_given_yet_are_not_missed(course):
    course.fields["complete_on"] = "page"
    course.has_settings = False
    assert warnings(course.block()) == []


def test_a_weightless_grade_shows_in_the_unit(course):
    course.fields |= {"counts_for_grade": True, "weight": 0}
    assert warnings(course.block()) == ["It counts for the grade, but its weight is 0."]


class Unit(XBlock):
    """What holds blocks, or is another kind of block beside them."""

    has_children = True


class TestAUnit:
    """Several blocks beside each other."""

    # Under names of our own: the package may be installed here, or not.
    @XBlock.register_temp_plugin(Unit, "unit")
    @XBlock.register_temp_plugin(ProgressXBlock, "grain")
    def unit(self, course, olx):
        runtime = course.block().runtime
        usage = runtime.parse_xml_string(f"<unit>{olx}</unit>")
        return runtime.get_block(usage).get_children()

    def test_a_grain_used_twice_shows_in_both(self, course):
        first, second, other = self.unit(
            course,
            '<grain grain_id="g1" display_name="Un"/>'
            '<grain grain_id="g1" display_name="Deux"/>'
            '<grain grain_id="g2" display_name="Trois"/>',
        )
        assert "“Deux”" in warnings(first)[0]
        assert "“Un”" in warnings(second)[0]
        assert warnings(other) == []

    def test_blocks_without_a_grain_are_no_twins(self, course):
        for block in self.unit(course, "<grain/><grain/>"):
            (warning,) = warnings(block)
            assert "Give the id of the grain" in warning

    def test_blocks_of_other_kinds_are_not_asked(self, course):
        (block, _) = self.unit(course, '<grain grain_id="g1"/><unit/>')
        assert warnings(block) == []

    def test_a_french_author_reads_twins_in_french(self, course):
        course.language = "fr"
        first, _ = self.unit(course, '<grain grain_id="g1"/><grain grain_id="g1"/>')
        assert "Un autre bloc de cette unité signale aussi le grain g1" in warnings(first)[0]


class TestTheForm:
    def form(self, course, **fields):
        course.fields |= fields
        return course.block().studio_view(None).content

    def test_it_is_in_the_authors_language_throughout(self, course):
        course.language = "fr"
        form = self.form(course)
        for text in (
            "Ce qui est signalé",
            "Oui",
            "Non",
            "Enregistrer",
            "Annuler",
            "Ma progression",
        ):
            assert text in form
        for text in ("True", "False", "Default", "Save", "Cancel", "Clear"):
            assert text not in form

    def test_the_weight_has_a_point_in_every_language(self, course):
        course.language = "fr"
        assert 'value="1.5"' in self.form(course, weight=1.5)

    def test_what_is_set_is_marked_as_set(self, course):
        form = self.form(course, grain_id="g1")
        (entry,) = [part for part in form.split("<li") if 'data-field-name="grain_id"' in part]
        assert "is-set" in entry
        assert 'value="g1"' in entry
        (entry,) = [part for part in form.split("<li") if 'data-field-name="weight"' in part]
        assert "is-set" not in entry

    def test_what_the_author_wrote_is_shown_as_text(self, course):
        assert "<script>" not in self.form(course, display_name='"><script>alert(1)</script>')

    def test_settings_say_when_they_matter(self, course):
        form = self.form(course)
        assert form.count('data-while="complete_on"') == 3
        assert form.count('data-while="counts_for_grade"') == 1


def test_a_block_outside_a_unit_has_no_twins(course):
    block = course.block()
    assert block.scope_ids == ScopeIds("u1", "progress", "def", "usage")
    assert warnings(block) == []


@pytest.fixture(params=["parent", "get_parent"])
def unit_raises(request, monkeypatch):
    """Have the platform raise when a block's parent is asked for, at once or when it is loaded."""

    def have_raise(error):
        monkeypatch.setattr(ProgressXBlock, "parent", "unit", raising=False)
        raising = PropertyMock if request.param == "parent" else Mock
        monkeypatch.setattr(ProgressXBlock, request.param, raising(side_effect=error))

    return have_raise


def test_a_block_of_a_library_has_no_twins(course, caplog, unit_raises):
    unit_raises(NotImplementedError("this scope is not supported"))  # as LearningCoreFieldData does
    assert warnings(course.block()) == []
    assert caplog.text == ""


def test_a_unit_that_cannot_be_read_breaks_nothing(course, caplog, unit_raises):
    unit_raises(KeyError("block-v1:of-nobody"))
    assert warnings(course.block()) == []
    assert "the unit's other blocks cannot be looked at: unexpected KeyError" in caplog.text


class TestAMalformedForm:
    """Bodies that Studio's form does not send: refused in words, and nothing is saved."""

    @pytest.mark.parametrize(
        "body",
        [
            [],
            {},
            "text",
            7,
            True,
            {"values": {}},
            {"values": [], "defaults": []},
            {"values": {"grain_id": "g2"}, "defaults": "grain_id"},
            {"values": None, "defaults": None},
        ],
        ids=repr,
    )
    def test_it_is_refused_as_a_whole(self, course, body):
        block = course.block()
        response = block.runtime.handle(block, "submit_studio_edits", request(body))
        assert response.status_code == 400
        assert "not what the form sends" in response.json["error"]
        assert course.block().grain_id == "grain-1"

    @pytest.mark.parametrize("field", ProgressXBlock.editable_fields)
    @pytest.mark.parametrize(
        "value",
        ["ten", [], {"a": 1}, "1e400", 1e400, "\x00", int("9" * 400), -int("9" * 400)],
        ids=lambda value: repr(value)[:20],
    )
    def test_a_value_of_another_kind_never_raises(self, course, field, value):
        before = getattr(course.block(), field)
        response = save(course, **{field: value})
        if response.status_code == 200:
            course.block().student_view()
        else:
            assert response.status_code == 400
            assert ProgressXBlock.fields[field].display_name in errors(response)[0]
            assert getattr(course.block(), field) == before

    @pytest.mark.parametrize("field", ["display_name", "button_text", "grain_id", "page_path"])
    def test_a_text_is_asked_for(self, course, field):
        assert save(course, **{field: 7}).status_code == 400

    @pytest.mark.parametrize("value", ["maybe", {"a": 1}, None, 2])
    def test_a_yes_or_a_no_is_asked_for(self, course, value):
        assert save(course, counts_for_grade=value).status_code == 400

    def test_names_of_other_fields_are_not_taken(self, course):
        response = save(course, state="done", pending={"a": 1})
        assert response.status_code == 200
        assert course.block().state == "none"


def request(body):
    return Request.blank("/", method="POST", body=json.dumps(body).encode())
