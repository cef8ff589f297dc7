"""The rights the bridge needs in Directus: `progress-bridge setup` grants them, `check` asks.

A progress row is never updated: one that moves earlier is replaced through the learner's alias
field, hence the right to update that field and no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.config import Names


@dataclass(frozen=True, slots=True)
class DirectusRight:
    """One right on one collection.

    Attributes:
        collection: its name.
        action: ``create``, ``read``, ``update`` or ``delete``.
        fields: those it is needed on, or empty when the action has none (``delete``).
    """

    collection: str
    action: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        on = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.action} {self.collection}{on}"


def learner_columns(names: Names) -> tuple[str, ...]:
    """Return the columns of the learners' collection, its primary key first."""
    columns = names.learner_fields
    return (
        columns.id,
        columns.origin,
        columns.external_user_id,
        columns.email,
        columns.date_creation,
    )


def progress_columns(names: Names) -> tuple[str, ...]:
    """Return the columns of the progress collection, its primary key first."""
    columns = names.progress_fields
    return (
        columns.id,
        columns.learner,
        columns.grain_id,
        columns.module_id,
        columns.sequence_id,
        columns.completed_at,
    )


def needed_rights(names: Names) -> list[DirectusRight]:
    """Return all the rights that the bridge needs, and no more."""
    learners, progress = names.learners, names.progress
    alias = names.learner_fields.progress
    return [
        DirectusRight(learners, "create", learner_columns(names)[1:]),
        DirectusRight(learners, "read", (*learner_columns(names), alias)),
        DirectusRight(learners, "update", (alias,)),
        DirectusRight(learners, "delete"),
        DirectusRight(progress, "create", progress_columns(names)[1:]),
        DirectusRight(progress, "read", progress_columns(names)),
        DirectusRight(progress, "delete"),
    ]
