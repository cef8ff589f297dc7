"""The block in OLX, and in a library: what a course takes along of it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from xblock.core import XML_NAMESPACES
from xblock.fields import UserScope

from progress_xblock.base import BaseMixin


class OlxMixin(BaseMixin):
    """What is exported and imported: what the author set, and nothing of any learner."""

    def add_xml_to_node(self, node: Any) -> None:
        """Export what the author set, without the learner's state that XBlock would write."""
        super().add_xml_to_node(node)
        _without_states(node, self.fields)

    @classmethod
    def parse_xml(cls, node: Any, runtime: Any, keys: Any) -> Any:
        """Import what the author set, and no learner's state, which would be everybody's."""
        node = deepcopy(node)
        _without_states(node, cls.fields)
        return super().parse_xml(node, runtime, keys)

    @classmethod
    def get_customizable_fields(cls) -> dict[str, str | None]:
        """Return the settings that a course keeps when its library's block is updated.

        Open edX counts ``weight`` among them, for problems (``UpstreamSyncMixin`` in edx-platform's
        ``cms/lib/xblock/upstream_sync.py``). Here it is the library's, as all but the title.
        """
        fields: dict[str, str | None] = getattr(super(), "get_customizable_fields", dict)()
        return {name: restored for name, restored in fields.items() if name != "weight"}


def _without_states(node: Any, fields: dict[str, Any]) -> None:
    """Remove the fields that belong to learners."""
    for name, field in fields.items():
        if getattr(field.scope, "user", UserScope.NONE) is not UserScope.NONE:
            node.attrib.pop(name, None)
            for child in node.findall(f"{{{XML_NAMESPACES['option']}}}{name}"):
                node.remove(child)
