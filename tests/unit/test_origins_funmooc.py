"""Who is in front of the block: each row of the design's Open edX section."""

import pickle
from types import SimpleNamespace

import pytest

from bridge import Identity, InvalidIdentity
from bridge.origins.funmooc import LearnerId, NoLearner, WhyNot, identity

PLATFORM_ID = "0123456789abcdef0123456789abcdef"
COURSE_ID = "fedcba9876543210fedcba9876543210"


def users(*, django_user=None, **attributes):
    """A user service as edx-platform's; the keywords are its attributes, less their prefix."""
    opt_attrs = {f"edx-platform.{name}": value for name, value in attributes.items()}
    user = SimpleNamespace(opt_attrs=opt_attrs)
    return SimpleNamespace(get_current_user=lambda: user, _django_user=django_user)


def learner(**changes):
    ids = {"deprecated_anonymous_user_id": PLATFORM_ID, "anonymous_user_id": COURSE_ID}
    return users(**{"is_authenticated": True, **ids, **changes})


def why(service, *args, **kwargs):
    with pytest.raises(NoLearner) as caught:
        identity(service, *args, **kwargs)
    return caught.value.why


def test_default_identity_is_the_platform_wide_id():
    assert identity(learner()) == Identity("funmooc", PLATFORM_ID)


def test_course_id_is_taken_when_the_deployment_says():
    assert identity(learner(), LearnerId.COURSE) == Identity("funmooc", COURSE_ID)


@pytest.mark.parametrize("absent", [None, ""])
def test_missing_platform_id_is_not_replaced_by_courses(absent):
    assert why(learner(deprecated_anonymous_user_id=absent)) is WhyNot.NO_ID


def test_missing_course_id_is_not_replaced_by_platforms():
    assert why(learner(anonymous_user_id=None), LearnerId.COURSE) is WhyNot.NO_ID


def test_missing_id_names_the_setting_and_the_attribute():
    with pytest.raises(NoLearner, match=r"platform.*edx-platform\.deprecated_anonymous_user_id"):
        identity(users(is_authenticated=True, anonymous_user_id=COURSE_ID))


def test_visitor_who_is_logged_out_is_no_learner():
    assert why(users(is_authenticated=False)) is WhyNot.NOT_LOGGED_IN


def test_silent_runtime_has_nobody_logged_in():
    assert why(users()) is WhyNot.NOT_LOGGED_IN


def test_id_is_enough_where_the_login_is_unknown():
    service = users(deprecated_anonymous_user_id=PLATFORM_ID)
    assert identity(service).external_user_id == PLATFORM_ID


@pytest.mark.parametrize("learner_id", LearnerId)
@pytest.mark.parametrize("key", ["anonymous_user_id", "deprecated_anonymous_user_id"])
def test_preview_student_is_no_learner_under_either_id(key, learner_id):
    assert why(learner(**{key: "student"}), learner_id) is WhyNot.PREVIEW


def test_author_with_a_real_id_is_no_learner():
    assert why(learner(), authoring=True) is WhyNot.PREVIEW


def test_masquerading_staff_do_not_record_for_the_learner():
    masked = SimpleNamespace(real_user=SimpleNamespace(username="staff"))
    assert why(learner(django_user=masked)) is WhyNot.MASQUERADE


def test_learner_as_themself_is_no_masquerade():
    assert identity(learner(django_user=SimpleNamespace(username="ada")))


@pytest.mark.parametrize("known", [True, False])
def test_only_the_platforms_own_requests_count(known):
    service = learner(django_user=SimpleNamespace(id=7, known=known))
    if known:
        assert identity(service).external_user_id == PLATFORM_ID
    else:
        assert why(service) is WhyNot.NOT_LOGGED_IN


@pytest.mark.parametrize("bound_to", [7, "7", None])
def test_the_blocks_own_user_is_a_learner(bound_to):
    assert identity(learner(django_user=SimpleNamespace(id=7)), bound_to=bound_to)


def test_another_user_than_the_blocks_is_never_recorded():
    with pytest.raises(NoLearner, match="another user than the block's") as caught:
        identity(learner(django_user=SimpleNamespace(id=7)), bound_to=8)
    assert caught.value.why is WhyNot.NO_ID


def test_runtime_without_user_service_gives_no_learner():
    assert why(None) is WhyNot.NO_ID


def test_invalid_id_is_refused_with_its_rule():
    with pytest.raises(InvalidIdentity, match="not allowed"):
        identity(learner(deprecated_anonymous_user_id="a b"))


def test_the_reason_survives_pickling():
    error = pickle.loads(pickle.dumps(NoLearner(WhyNot.MASQUERADE, "as told")))
    assert (error.why, str(error)) == (WhyNot.MASQUERADE, "as told")


def viewing_as(role):
    masquerade = SimpleNamespace(role=role, user_name=None)
    return learner(django_user=SimpleNamespace(masquerade_settings={"course": masquerade}))


def test_staff_viewing_as_a_learner_are_no_learner():
    assert why(viewing_as("student"), course="course") is WhyNot.ROLE


@pytest.mark.parametrize(("role", "course"), [("staff", "course"), ("student", "another")])
def test_staff_viewing_as_staff_keep_their_own_id(role, course):
    assert identity(viewing_as(role), course=course) == Identity("funmooc", PLATFORM_ID)
