"""A course that is exported and imported: what the author set comes back, and no more goes out."""

import pytest
from lxml import etree
from xblock.fields import Scope

from bridge import StoreUnavailable
from progress_xblock import ProgressXBlock

WRITTEN = {
    "display_name": 'Bilan : « l’été » & <les> "œufs"',
    "grain_id": "grain é/1",
    "module_id": "module-ï",
    "sequence_id": "séquence n° 1",
    "complete_on": "page",
    "seen_seconds": 42,
    "button_text": "J’ai terminé – c’est sûr !",
    "done_text": "Bravo, à bientôt…",
    "page_path": "grains/l-été?étape=2",
    "page_height": 750,
    "counts_for_grade": True,
    "weight": 2.5,
}


def exported(block):
    node = etree.Element("progress")
    block.add_xml_to_node(node)
    return etree.tostring(node)


@pytest.fixture
def again(course):
    """Return what an import makes of a block."""

    def imported(xml):
        block = course.block()
        return ProgressXBlock.parse_xml(etree.fromstring(xml), block.runtime, block.scope_ids)

    return imported


def test_every_setting_of_the_author_comes_back(course, again):
    course.fields = dict(WRITTEN)
    block = again(exported(course.block()))
    assert {name: getattr(block, name) for name in WRITTEN} == WRITTEN
    assert all(type(getattr(block, name)) is type(value) for name, value in WRITTEN.items())


def test_the_test_above_knows_every_setting():
    settings = (Scope.settings, Scope.content)
    mine = {name for name, field in ProgressXBlock.fields.items() if field.scope in settings}
    assert mine - {"name", "tags"} == set(WRITTEN)


def test_a_text_of_several_lines_comes_back(course, again):
    course.fields = {"done_text": "Bravo !\nÀ bientôt."}
    assert again(exported(course.block())).done_text == "Bravo !\nÀ bientôt."


def test_what_was_not_set_is_not_written(course):
    course.fields = {"grain_id": "g1"}
    attributes = set(etree.fromstring(exported(course.block())).attrib) - {"xblock-family"}
    assert attributes == {"grain_id"}


def test_no_deployment_and_no_learner_is_exported(course, store):
    course.block_settings |= {
        "store": {"url": "memory:", "token": "hush-hush"},
        "tokens": {"keys": [{"id": "k", "secret": "s3cr3t" * 8}]},
        "mini_site": "https://mini.example.org",
    }
    store.error = StoreUnavailable("refused")
    course.click()
    xml = exported(course.block()).decode()
    learner = "0123456789abcdef0123456789abcdef"
    for secret in ("hush-hush", "s3cr3t", "mini.example.org", learner, "pending", "completed_at"):
        assert secret not in xml


@pytest.mark.parametrize(
    "xml",
    [
        '<progress state="done" completed_at="2024-05-06T07:08:09" untold=\'["grade"]\'/>',
        '<progress pending=\'{"origin": "moodle", "external_user_id": "7", "grain_id": "g"}\'/>',
        '<progress xmlns:option="http://code.edx.org/xblock/option">'
        "<option:state>done</option:state><option:pending>{a: 1}</option:pending></progress>",
    ],
)
def test_no_learners_state_is_taken(again, xml):
    block = again(xml)
    fields = ("state", "completed_at", "pending", "untold")
    assert not any(block.fields[name].is_set_on(block) for name in fields)


@pytest.mark.parametrize("weight", ["nan", "inf", "-inf", "-1", "much", "1e999", "[1, ", "{a: 1}"])
def test_a_weight_that_is_none_is_the_default(again, weight):
    block = again(f'<progress grain_id="g1" weight="{weight}" counts_for_grade="true"/>')
    assert block.weight == 1.0
    block.student_view()
    block.studio_view()
    assert block.max_score() == 1.0


@pytest.mark.parametrize("name", ["seen_seconds", "page_height", "counts_for_grade"])
@pytest.mark.parametrize("text", ["ten", "{", "yes: no: x", "[1"])
def test_a_value_of_another_kind_is_the_default(again, name, text):
    block = again(f'<progress grain_id="g1" {name}="{text}"/>')
    assert getattr(block, name) == ProgressXBlock.fields[name].default
