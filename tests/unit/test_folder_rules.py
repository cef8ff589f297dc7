"""What each folder of the code may import: the floors of the house, and the rule of each room."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

FLOORS = [
    {"bridge.errors"},
    {"bridge.support"},
    {"bridge.model"},
    {"bridge.checks", "bridge.config", "bridge.json_format"},
    {"bridge.stores", "bridge.outbox", "bridge.tokens"},
    {"bridge.metrics"},
    {"bridge.origins", "bridge.delivery"},
    {"bridge.facade"},
    {"bridge"},  # what `from bridge import …` gives
    {"bridge.service", "progress_xblock"},
    {"bridge.cli"},
]
"""From the ground up. A part imports of the others only what is on a lower floor than itself."""

BACKENDS = ["bridge.stores.directus", "bridge.stores.sql", "bridge.outbox.redis"]
BACKENDS += ["bridge.outbox.sqlite"]
XBLOCK_MAY_IMPORT = {"bridge", "bridge.config", "bridge.origins.funmooc", "bridge.tokens"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_of(path): path
    for top in ("bridge", "progress_xblock")
    for path in sorted((ROOT / top).rglob("*.py"))
}


def imports_of(source: str) -> Iterator[str]:
    """The modules that a source imports, wherever in it, for types alone too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in FILES else str(node.module)


def part_of(module: str) -> str:
    top, _, rest = module.partition(".")
    return top if top != "bridge" or not rest else f"bridge.{rest.partition('.')[0]}"


def floor_of(module: str) -> int:
    return next(n for n, parts in enumerate(FLOORS) if part_of(module) in parts)


def is_in(module: str, folder: str) -> bool:
    return f"{module}.".startswith(f"{folder}.")


def climbs(module: str, imported: str) -> bool:
    return part_of(module) != part_of(imported) and floor_of(module) <= floor_of(imported)


def enters_a_backend(module: str, imported: str) -> bool:
    """Only ``open_store`` and ``open_outbox`` may, by the face, and `setup` for Directus."""
    for backend in BACKENDS:
        if is_in(imported, backend) and not is_in(module, backend):
            opened = imported == backend and module == backend.rpartition(".")[0]
            return not opened and module != "bridge.cli.setup"
    return False


def is_private_to_the_block(module: str, imported: str) -> bool:
    block, bridge = is_in(module, "progress_xblock"), is_in(imported, "bridge")
    return block and bridge and imported not in XBLOCK_MAY_IMPORT


Rule = Callable[[str, str], bool]

RULES: list[Rule] = [climbs, enters_a_backend, is_private_to_the_block]


def ours(imported: Iterable[str]) -> list[str]:
    return [name for name in imported if name.partition(".")[0] in ("bridge", "progress_xblock")]


@pytest.mark.parametrize("rule", RULES)
def test_no_import_breaks_a_rule(rule: Rule) -> None:
    broken = [
        f"{module} imports {imported}"
        for module, path in FILES.items()
        for imported in ours(imports_of(path.read_text(encoding="utf-8")))
        if rule(module, imported)
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("rule", "module", "imported"),
    [
        (climbs, "bridge.support.logs", "bridge.model"),
        (climbs, "bridge.stores.memory", "bridge.outbox"),
        (climbs, "bridge.delivery.loop", "bridge.facade"),
        (climbs, "bridge.config.store", "bridge.stores"),
        (climbs, "bridge.facade", "bridge"),
        (enters_a_backend, "bridge.stores.memory", "bridge.stores.sql.tables"),
        (enters_a_backend, "bridge.stores.sql.store", "bridge.stores.directus"),
        (enters_a_backend, "bridge.facade", "bridge.outbox.sqlite"),
        (is_private_to_the_block, "progress_xblock.views", "bridge.config.fields"),
    ],
)
def test_a_broken_rule_is_noticed(rule: Rule, module: str, imported: str) -> None:
    assert rule(module, imported)


def test_imports_are_found_wherever_they_stand() -> None:
    source = """
import bridge.model
from bridge import metrics, Settings
if TYPE_CHECKING:
    from bridge.stores import sql
def late():
    from bridge.cli.setup import setup
"""
    found = ["bridge.model", "bridge.metrics", "bridge", "bridge.stores.sql", "bridge.cli.setup"]
    assert list(imports_of(source)) == found
