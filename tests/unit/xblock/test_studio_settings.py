"""What an author may set, and what Studio says of it."""

import pytest
from lxml import etree
from xblock.fields import Scope

from progress_xblock import ProgressXBlock

RULES = {
    "x" * 256: ("too long (at most 255 characters)", "trop long (255 caractères au plus)"),
    "a\u200bb": ("a character is not printable", "un caractère n’est pas imprimable"),
    "a\nb": ("a character is not printable", "un caractère n’est pas imprimable"),
}


def save(course, **values):
    return course.handler("submit_studio_edits", {"values": values, "defaults": []})


def errors(response):
    return [message["text"] for message in response.json["error"]["messages"]]


def test_what_the_author_saves_is_kept(course):
    course.fields = {}
    values = {"display_name": "Bilan", "grain_id": "g 1", "module_id": "m1", "sequence_id": "s1"}
    assert save(course, **values).status_code == 200
    block = course.block()
    assert {name: getattr(block, name) for name in values} == values


def test_white_space_around_ids_is_dropped(course):
    course.fields = {}
    save(course, grain_id=" g1\n")
    assert course.block().grain_id == "g1"


@pytest.mark.parametrize("field", ["grain_id", "module_id", "sequence_id"])
@pytest.mark.parametrize("value", RULES, ids=["long", "invisible", "newline"])
def test_a_wrong_id_is_refused_by_its_rule(course, field, value):
    response = save(course, **{field: value})
    assert response.status_code == 400
    (error,) = errors(response)
    assert RULES[value][0] in error
    assert ProgressXBlock.fields[field].display_name in error


@pytest.mark.parametrize("value", RULES, ids=["long", "invisible", "newline"])
def test_a_french_author_reads_rules_in_french(course, value):
    course.language = "fr"
    (error,) = errors(save(course, sequence_id=value))
    assert error.startswith(f"Séquence\xa0: {RULES[value][1]}")


def test_a_refused_save_changes_nothing(course):
    save(course, grain_id="a\nb", module_id="other")
    assert (course.block().grain_id, course.block().module_id) == ("grain-1", "m1")


def test_studio_warns_of_a_missing_grain(course):
    course.fields = {}
    assert save(course, display_name="Bilan").status_code == 200
    (message,) = course.block().validate().messages
    assert (message.type, "nothing is recorded" in message.text) == ("warning", True)


def test_a_complete_block_has_no_warning(course):
    assert course.block().validate()


def test_an_imported_wrong_id_shows_in_the_unit(course):
    course.fields["grain_id"] = "x" * 256
    (message,) = course.block().validate().messages
    assert message.type == "error"


def test_the_form_is_in_the_authors_language(course):
    course.language = "fr"
    form = course.block().studio_view(None).content
    for name in ("Titre", "Grain", "Module", "Séquence", "À n’utiliser que dans un seul bloc"):
        assert name in form


def test_every_setting_may_be_edited_and_no_other(course):
    settings = {n for n, f in ProgressXBlock.fields.items() if f.scope is Scope.settings}
    assert set(ProgressXBlock.editable_fields) == settings - {"name", "tags"}


def test_no_field_is_meant_for_a_secret():
    words = ("token", "secret", "key", "password", "url")
    assert not [n for n in ProgressXBlock.fields if any(word in n for word in words)]


def test_an_exported_block_comes_back_as_set(course):
    course.fields |= {"display_name": "Bilan", "sequence_id": "s1"}
    node = etree.Element("progress")
    block = course.block()
    block.add_xml_to_node(node)
    block.runtime.id_generator.create_definition("progress")
    again = ProgressXBlock.parse_xml(node, block.runtime, block.scope_ids)
    assert {name: getattr(again, name) for name in course.fields} == course.fields


def test_an_export_holds_nothing_of_the_deployment(course):
    course.block_settings["store"]["token"] = "hush-hush"
    node = etree.Element("progress")
    course.block().add_xml_to_node(node)
    assert b"hush-hush" not in etree.tostring(node)
    assert {"grain_id", "module_id"} == set(node.attrib) - {"xblock-family"}
