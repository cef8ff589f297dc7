"""What the block imports of the bridge: its public names alone."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import progress_xblock

PACKAGE = Path(progress_xblock.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ALLOWED = ("bridge", "bridge.config", "bridge.origins.funmooc", "bridge.tokens")


def imports(source: str) -> list[tuple[str, str]]:
    """Return the imported modules of the bridge, each with the name that is taken of it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [of_module(str(node.module), alias.name) for alias in node.names]
    return [(module, name) for module, name in found if module.split(".")[0] == "bridge"]


def of_module(module: str, name: str) -> tuple[str, str]:
    """Tell a module from a name: ``from bridge.origins import funmooc`` imports a module."""
    if module.split(".")[0] != "bridge":
        return (module, name)
    is_package = hasattr(importlib.import_module(module), "__path__")
    is_module = is_package and find_spec(f"{module}.{name}") is not None
    return (f"{module}.{name}", "") if is_module else (module, name)


def private(source: str) -> list[str]:
    """Return the imports that are not to be."""
    return [
        f"{module} {name}".strip()
        for module, name in imports(source)
        if module not in ALLOWED or not is_public(module, name)
    ]


def is_public(module: str, name: str) -> bool:
    public = getattr(importlib.import_module(module), "__all__", None)
    return name in ["", *public] if public is not None else not name.startswith("_")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_public_names_of_the_bridge_are_imported(path):
    assert private(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from bridge.outbox.codec import write", "bridge.outbox.codec write"),
        ("from bridge.config.fields import as_mapping", "bridge.config.fields as_mapping"),
        ("from bridge.config import fields", "bridge.config.fields"),
        ("from bridge import model", "bridge.model"),
        ("from bridge.origins import direct", "bridge.origins.direct"),
        ("from bridge.tokens import _signed", "bridge.tokens _signed"),
        ("import bridge.support.nesting", "bridge.support.nesting"),
        ("def late():\n    from bridge.outbox import sqlite", "bridge.outbox.sqlite"),
    ],
)
def test_a_private_import_is_noticed(source, found):
    assert private(source) == [found]
