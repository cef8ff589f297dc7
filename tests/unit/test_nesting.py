"""Texts from outside that are nested deep: bounded before they are parsed."""

from __future__ import annotations

import json

import pytest

from bridge.support.nesting import MAX_DEPTH, TooDeep, check_json, load_json, load_yaml

LEVELS = ("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")


@pytest.mark.parametrize(("opening", "closing"), LEVELS)
def test_json_up_to_the_bound_is_parsed(opening: str, closing: str) -> None:
    levels = MAX_DEPTH // (opening.count("[") + opening.count("{"))
    text = opening * levels + "1" + closing * levels
    assert load_json(text) == json.loads(text)


@pytest.mark.parametrize("opening", [opening for opening, _ in LEVELS])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1_000_000])
def test_deeper_json_is_not_parsed(opening: str, levels: int) -> None:
    with pytest.raises(TooDeep, match="nested more than 64 levels deep"):
        load_json(opening * levels)


@pytest.mark.parametrize("text", ["[" * 100, '"' + "[" * 100, '\\"[{' * 50, "\\"])
def test_brackets_in_strings_are_no_levels(text: str) -> None:
    rows = [{text: [text]}] * 100
    assert load_json(json.dumps(rows)) == rows


@pytest.mark.parametrize("text", ["]" * 100, "\\", '\\"' + "]" * 100, '"', "{" * 10])
def test_closing_brackets_in_strings_hide_no_levels(text: str) -> None:
    with pytest.raises(TooDeep):
        check_json(f"[{json.dumps(text)}," * 65)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le"])
def test_bytes_are_bounded_in_their_encoding(encoding: str) -> None:
    assert load_json('["é"]'.encode(encoding)) == ["é"]
    with pytest.raises(TooDeep):
        load_json(("[" * 100_000).encode(encoding))


@pytest.mark.parametrize("text", ['"', '"\\', '["\\', "", '"' + '\\"' * 1_000_000])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated"):
        load_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 65 + "a",
        "\n".join("  " * level + "a:" for level in range(66)),
    ],
    ids=["flow", "sequences", "mappings"],
)
def test_deeper_yaml_is_not_parsed(text: str) -> None:
    with pytest.raises(TooDeep):
        load_yaml(text)


def test_yaml_up_to_the_bound_is_parsed() -> None:
    text = "- " * MAX_DEPTH + "a"
    assert str(load_yaml(text)) == "[" * MAX_DEPTH + "'a'" + "]" * MAX_DEPTH
