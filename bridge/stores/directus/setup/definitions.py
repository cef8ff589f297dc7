"""The definitions of ``collections.yaml``, in the data owner's names and in Directus's shape."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final

import yaml

from bridge.config import Names

Meta = dict[str, Any]

_LANGUAGES: Final = {"fr": "fr-FR", "en": "en-US"}
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection as Directus is to show it.

    Attributes:
        name: the data owner's.
        meta: Directus's, without the fields.
        fields: each field's meta, by the data owner's names.
    """

    name: str
    meta: Meta
    fields: dict[str, Meta]


def collections(names: Names) -> tuple[Collection, Collection]:
    """Return the learners' collection, and that of their progress."""
    document = yaml.safe_load(
        resources.files(__package__).joinpath("collections.yaml").read_text(encoding="utf-8")
    )
    learner_fields, progress_fields = asdict(names.learner_fields), asdict(names.progress_fields)
    known = learner_fields | progress_fields
    return (
        _collection(names.learners, document["learners"], learner_fields, known),
        _collection(names.progress, document["progress"], progress_fields, known),
    )


def _collection(
    name: str, definition: Meta, fields: dict[str, str], known: dict[str, str]
) -> Collection:
    meta = _meta({key: value for key, value in definition.items() if key != "fields"}, known)
    return Collection(
        name,
        meta,
        {fields[key]: _meta(field, known) for key, field in definition["fields"].items()},
    )


def _meta(definition: Meta, known: dict[str, str]) -> Meta:
    meta: Meta = _renamed(definition, known)
    label = meta.pop("label")
    meta["translations"] = [
        {"language": _LANGUAGES[language], "translation": text} for language, text in label.items()
    ]
    return meta


def _renamed(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, known) for inner in value]
    if isinstance(value, str):
        return _NAME.sub(lambda match: known[match[1]], value)
    return value
