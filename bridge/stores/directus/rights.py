"""The rights the bridge needs in Directus: `progress-bridge setup` grants them, `check` asks.

A progress row is never updated: one that moves earlier is replaced through the learner's alias
field, hence the right to update that field and no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.config import Names


@dataclass(frozen=True, slots=True)
class Right:
    """One right on one collection.

    Attributes:
        collection: its name.
        action: ``create``, ``read``, ``update`` or ``delete``.
        fields: those it is needed on; empty when the action has none (``delete``).
    """

    collection: str
    action: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        on = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.action} {self.collection}{on}"


def learner_columns(names: Names) -> tuple[str, ...]:
    """The columns of the learners' collection, its key first."""
    of = names.learner_fields
    return (of.id, of.origin, of.external_user_id, of.email, of.date_creation)


def progress_columns(names: Names) -> tuple[str, ...]:
    """The columns of the progress collection, its key first."""
    of = names.progress_fields
    return (of.id, of.learner, of.grain_id, of.module_id, of.sequence_id, of.completed_at)


def rights(names: Names) -> list[Right]:
    """All of them, and no more."""
    learners, progress = names.learners, names.progress
    alias = names.learner_fields.progress
    return [
        Right(learners, "create", learner_columns(names)[1:]),
        Right(learners, "read", (*learner_columns(names), alias)),
        Right(learners, "update", (alias,)),
        Right(learners, "delete"),
        Right(progress, "create", progress_columns(names)[1:]),
        Right(progress, "read", progress_columns(names)),
        Right(progress, "delete"),
    ]
