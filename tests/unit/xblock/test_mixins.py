"""Whatever the platform mixes into the block does not change it."""

import ast
import inspect
import itertools

import pytest
from xblock.core import XBlock, XBlockMixin
from xblock.fields import Scope, String
from xblock.runtime import Mixologist

from progress_xblock import ProgressXBlock
from tests.unit.xblock.platform_mixins import XBLOCK_MIXINS, Platforms

VIEWS = ("student_view", "author_view", "public_view", "studio_view")
HANDLERS = ("complete", "send_pending", "launch", "submit_studio_edits")
LANGUAGES = ("en", "fr", "de", "ar")
AUTHORS_FIELDS = ProgressXBlock.editable_fields
XBLOCKS_OWN = {name for cls in (XBlock, XBlockMixin) for name in dir(cls)}
OURS = sorted(set(dir(ProgressXBlock)) - XBLOCKS_OWN)
"""Every name that the block, its mixins and those of XBlock's library define."""

FORM = {"values": {"grain_id": "grain-9"}, "defaults": ["display_name"]}


def test_what_the_block_has_is_its_own():
    """The mixins of the worst platform have every name that the block has."""
    fields = {name for name in OURS if name in ProgressXBlock.fields}
    traps = {name: String(default=None) if name in fields else Platforms() for name in OURS}
    bases = [(XBlockMixin,), (XBlock,), ()]
    worst = [type(f"Worst{number}", base, dict(traps)) for number, base in enumerate(bases)]
    for mixins in (XBLOCK_MIXINS, worst[:2]):
        mixed = Mixologist(mixins).mix(ProgressXBlock)
        for name in OURS:
            assert lookup(mixed, name) is lookup(ProgressXBlock, name), name
    assert {name: mixed.fields[name].default for name in fields} == {
        name: ProgressXBlock.fields[name].default for name in fields
    }


def lookup(cls, name):
    return next(vars(base)[name] for base in cls.__mro__ if name in vars(base))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_block_that_nobody_touched_is_shown(course, language):
    course.fields, course.language = {}, language
    for view in VIEWS:
        assert ">None<" not in getattr(course.block(), view)().content, view
    assert course.block().validate().messages
    for handler in HANDLERS:
        assert course.handler(handler, FORM).status_code == 200


def test_its_title_is_in_the_readers_language(course):
    course.fields, course.language = {}, "fr"
    assert ">Ma progression<" in course.html()
    course.fields["display_name"] = None  # what an old course may hold
    assert ">Ma progression<" in course.html()


@pytest.mark.parametrize(("name", "language"), [*itertools.product(AUTHORS_FIELDS, LANGUAGES)])
def test_a_setting_of_none_breaks_nothing(course, name, language):
    course.language = language
    course.fields[name] = None
    for view in VIEWS:
        getattr(course.block(), view)()
    for handler in HANDLERS[:3]:
        assert course.handler(handler).status_code == 200
    block = course.block()
    block.validate()
    block.index_dictionary()
    block.student_view_data()


def test_the_title_of_a_twin_may_be_none(course):
    """Studio names the other block of the unit that reports the same grain."""
    course.fields["display_name"] = None
    block, twin = course.block(), course.block()
    twin.scope_ids = twin.scope_ids._replace(usage_id="twin")
    block.parent = "unit"
    block.get_parent = lambda: XBlockWith(block, twin)
    assert "My progress" in "".join(message.text for message in block.validate().messages)


class XBlockWith:
    def __init__(self, *children):
        self.children = children

    def get_children(self):
        return self.children


def test_the_weight_is_the_librarys(course):
    block = course.block()
    assert "display_name" in block.get_customizable_fields()
    assert "weight" not in block.get_customizable_fields()
    assert ProgressXBlock.get_customizable_fields() == {}  # where nothing of the kind is mixed in


def test_fields_of_learners_are_known_by_scope():
    learners = {n for n, field in ProgressXBlock.fields.items() if field.scope == Scope.user_state}
    assert learners == {"state", "completed_at", "pending", "untold"}


OUR_MIXINS = [
    cls for cls in ProgressXBlock.__mro__ if cls.__module__.split(".")[0] == "progress_xblock"
]


@pytest.mark.parametrize("mixin", OUR_MIXINS, ids=lambda cls: cls.__name__)
def test_a_mixin_uses_only_what_it_inherits(mixin):
    tree = ast.parse(inspect.getsource(mixin))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self"
    }
    of_every_block = {*dir(XBlock), "scope_ids", "runtime"}  # the last two set by XBlock
    assert {name for name in used if not hasattr(mixin, name)} <= of_every_block
