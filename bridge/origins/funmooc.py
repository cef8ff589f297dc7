"""FunMooc: from what Open edX tells a block about its user to the learner it may record for.

The attributes are those of edx-platform's ``user`` service (``xblock_django/user_service.py`` and
``constants.py`` there), as the project's design lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, Protocol

from bridge.errors import BridgeError, InvalidIdentity
from bridge.model import Identity, Origin

IS_AUTHENTICATED: Final = "edx-platform.is_authenticated"
PREVIEW_ID: Final = "student"
"""What Studio's preview gives as the id of whoever looks at it."""


class LearnerId(StrEnum):
    """Which of Open edX's two anonymous ids stands for a learner.

    ``platform``: one id for a learner in all courses. ``course``: another one in each course.
    """

    PLATFORM = "platform"
    COURSE = "course"

    @property
    def key(self) -> str:
        """Return the name of the attribute of the platform's user that holds this id."""
        return _KEYS[self]


_KEYS: Final = {
    LearnerId.PLATFORM: "edx-platform.deprecated_anonymous_user_id",
    LearnerId.COURSE: "edx-platform.anonymous_user_id",
}


class WhyNot(StrEnum):
    """Why nothing may be recorded for whoever is in front of the block."""

    PREVIEW = "preview"
    MASQUERADE = "masquerade"
    ROLE = "role"
    NOT_LOGGED_IN = "not_logged_in"
    NO_ID = "no_id"
    SETTINGS = "settings"


class NoLearner(BridgeError):
    """There is no learner to record for.

    Attributes:
        why: the reason.
    """

    def __init__(self, why: WhyNot, message: str) -> None:
        super().__init__(message)
        self.why = why

    def __reduce__(self) -> tuple[type[NoLearner], tuple[WhyNot, str]]:
        return type(self), (self.why, str(self))


class XBlockUser(Protocol):
    """The part of XBlock's user that matters here."""

    opt_attrs: Mapping[str, Any]


class UserService(Protocol):
    """The part of Open edX's ``user`` service that matters here."""

    def get_current_user(self) -> XBlockUser:
        """Return whoever looks at the block, a learner or not."""


def identity(
    users: UserService | None,
    learner_id: LearnerId | None = LearnerId.PLATFORM,
    *,
    authoring: bool = False,
    course: object = None,
    bound_to: object = None,
) -> Identity:
    """Return the identity of the learner in front of the block.

    Args:
        users: the runtime's ``user`` service, or None when it has none.
        learner_id: which anonymous id is theirs. The other one is never taken instead: it would
            make a second learner of the same person. None while a setting that is wrong keeps it
            from being known: there may be a learner, for whom nothing can be recorded yet.
        authoring: whether this is Studio or a library, where even a real id is an author's.
        course: the key of the course, by which staff who view it as learners do are known.
        bound_to: the id of the user whose states the block holds, None where it is not known.

    Raises:
        NoLearner: nothing may be recorded, and why.
        InvalidIdentity: the id that the platform gives breaks the rules of `Identity`.
    """
    if authoring:
        raise NoLearner(WhyNot.PREVIEW, "an author's preview, not a learner")
    if users is None:
        raise NoLearner(WhyNot.NO_ID, "the platform has no user service")
    user = getattr(users, "_django_user", None)
    if not _trusted(user):
        raise NoLearner(WhyNot.NOT_LOGGED_IN, "a request that another site may have made")
    if not _bound_to(user, bound_to):
        raise NoLearner(WhyNot.NO_ID, "the platform gives another user than the block's")
    if _masquerading(user):
        raise NoLearner(WhyNot.MASQUERADE, "somebody else is looking through a learner's eyes")
    if _viewing_as_learner(user, course):
        raise NoLearner(WhyNot.ROLE, "staff who view the course as learners do")
    attributes = users.get_current_user().opt_attrs
    ids = {kind: attributes.get(kind.key) for kind in LearnerId}
    if not attributes.get(IS_AUTHENTICATED, any(ids.values())):
        raise NoLearner(WhyNot.NOT_LOGGED_IN, "nobody is logged in")
    if PREVIEW_ID in ids.values():
        raise NoLearner(WhyNot.PREVIEW, "Studio's preview, not a learner")
    if learner_id is None and any(ids.values()):
        raise NoLearner(WhyNot.SETTINGS, "which id stands for a learner is not known")
    wanted = learner_id and ids[learner_id]
    if not wanted:
        raise NoLearner(
            WhyNot.NO_ID,
            f"learner_id is {learner_id}, but the platform does not give "
            f"{learner_id.key if learner_id else 'any'}",
        )
    return Identity(Origin.FUNMOOC, wanted)


def identities(users: UserService | None) -> Iterator[Identity]:
    """Yield the user's identities, under each of Open edX's ids that the platform gives."""
    attributes = users.get_current_user().opt_attrs if users else {}
    for kind in LearnerId:
        with suppress(InvalidIdentity):
            yield Identity(Origin.FUNMOOC, attributes.get(kind.key) or "")


def _trusted(user: object) -> bool:
    """Return whether the request is known to come from the platform's own page.

    ``handle_xblock_callback_noauth`` in edx-platform's ``courseware/block_render.py`` takes the
    session's user without such a check, and says so by ``known``.
    """
    return getattr(user, "known", True) is not False


def _bound_to(user: object, wanted: object) -> bool:
    """Return whether the user is the one whose states the block holds.

    Before Ulmo the blocks of a process shared their services, and in a worker of several threads
    one could be given another request's user (openedx/edx-platform, pull request 37825).
    """
    given = getattr(user, "id", None)
    return given is None or wanted is None or str(given) == str(wanted)


def _masquerading(user: object) -> bool:
    """Return whether staff look at the course as a specific learner.

    The attributes are then that learner's, and only the Django user behind the service knows:
    ``setup_masquerade`` in edx-platform's ``courseware/masquerade.py`` sets its ``real_user``.
    """
    return getattr(user, "real_user", None) is not None


def _viewing_as_learner(user: object, course: object) -> bool:
    """Return whether staff look at the course as any learner, or one of a track, would.

    The attributes are their own, and ``is_masquerading_as_student`` in the same module tells it by
    the user's ``masquerade_settings``.
    """
    settings = getattr(user, "masquerade_settings", None)
    masquerade = settings.get(course) if isinstance(settings, Mapping) else None
    return getattr(masquerade, "role", None) == "student"
