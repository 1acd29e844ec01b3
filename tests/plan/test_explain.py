"""What is said of an end: from all signs, what follows, and what to change."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.explain import explain, why
from reconciler.plan.recorded import Terms
from reconciler.plan.session import ASKED, End, Phase, Session
from reconciler.spec.desired import Policy
from tests.plan.histories import NOW_S, session

ALWAYS, ON_FAILURE, NEVER = (
    Terms(policy=Policy(restart=restart)) for restart in ("always", "on-failure", "never")
)
UNASKED = sorted(set(End) - ASKED)
IDLE_SAID = "Its channel was empty for longer than `maxIdle`"


def ended(reason: str = End.GONE, *signs: str, **more: Any) -> Session:
    base = {"phase": Phase.ENDED, "ended_s": NOW_S, "status": 5, "token_ends_s": NOW_S + 3600}
    return session(**{**base, "end_reason": reason, "signs": signs, **more})


@pytest.mark.parametrize("reason", UNASKED)
@pytest.mark.parametrize("code", [4, 6, 20])
def test_a_leave_code_that_says_nobody_was_there_is_idle_whatever_the_end_is_called(
    reason: End, code: int
) -> None:
    said = explain(ended(reason, "exit:0", f"leave:{code}"), ALWAYS, NOW_S)
    assert said.why == f"{IDLE_SAID}."
    assert "`maxIdle`" in said.change


@pytest.mark.parametrize(
    ("signs", "said", "changed"),
    [
        (["web:1"], "`web.maxDuration` was reached", "`web.maxDuration`"),
        (["web:2", "limit:WebGL"], "(WebGL)", "WebGL"),
        (["limit:resolution"], "(resolution)", "`web.width`"),
        (["limit:bandwidth"], "(bandwidth)", "`web.url`"),
        (["web:3"], "could not start its web recorder", ""),
        (["web:4"], "did not load in time", "`web.readyTimeout`"),
        (["web:5"], "could not be opened", "`web.url`"),
        (["web:6"], "web recorder failed", ""),
        (["web:0"], "by a call that is not one of ours", ""),
        (["web:9"], "code 9", ""),
        (["error:1/32"], "region, bucket or keys are wrong", "Storage"),
        (["error:1/47", "exit:1"], "could not be uploaded", "Storage"),
        (["error:0/109"], "The RTC token has expired", "`token: generate`"),
        (["error:0/110"], "The RTC token is missing or wrong", "`certificate`"),
        (["error:2/52"], "Starting the session took too long", ""),
        (["error:6/999"], "The service's web recorder failed with error 999", ""),
        (["error:9/1"], "part 9 failed with error 1", ""),
        (["leave:0"], "could not be initialised", ""),
        (["leave:2"], "ended its recorder's process", ""),
        (["leave:16"], "left the channel by a call that is not one of ours", ""),
        (["leave:8", "exit:1"], "did not say why", "`notifications.secret`"),
        (["exit:1"], "ended it as failed", "`notifications.secret`"),
    ],
)
def test_each_sign_says_why_and_what_to_change(signs: list[str], said: str, changed: str) -> None:
    found = explain(ended(End.GONE, *signs), ALWAYS, NOW_S)
    assert said in found.why
    assert changed in found.change
    assert bool(found.change) == bool(changed)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "likely idle (`maxIdle`), or another client joined as uid 1001"),
        ({"status": 4}, "nobody sent anything when it was last asked"),
        ({"token_ends_s": None}, "or its token ended"),
        ({"mode": "web"}, "likely since its page failed"),
    ],
)
def test_where_only_a_404_tells_the_likely_is_said_and_what_would_have_told(
    more: dict[str, Any], said: str
) -> None:
    found = explain(ended(**more), ALWAYS, NOW_S)
    assert found.why.startswith("The service has not known it for 90 s, likely")
    assert said in found.why
    told = "notifications 11 and 71" if more.get("mode") == "web" else "notifications 11 and 41"
    assert f"{told} would have told" in found.why


def test_an_exit_that_was_told_without_its_reason_lacks_only_the_other_notification() -> None:
    assert "; notification 41 would have told" in why(ended(End.EXITED, "exit:0"))


@pytest.mark.parametrize("mode", ["individual", "mix", "web"])
@pytest.mark.parametrize("reason", [End.UNCONFIRMED, End.GONE, End.EXITED])
def test_one_that_never_came_up_has_something_wrong_with_what_it_was_given(
    mode: str, reason: End
) -> None:
    found = explain(ended(reason, mode=mode, confirmed_s=None, phase=Phase.FAILED), NEVER, NOW_S)
    assert "the keys of its Storage" in found.why
    assert ("`video`" in found.why) == (mode == "mix")
    assert ("`web.url`" if mode == "web" else "`token`") in found.change or reason == End.EXITED


@pytest.mark.parametrize(
    ("more", "said", "changed"),
    [
        ({}, "2027-01-15T08:00:00Z", "a `token` that ends later"),
        ({"token_issued_s": 5}, "2027-01-15T08:00:00Z", "`reconciler run`"),
        ({"signs": ("error:0/110",)}, "missing or wrong", "`certificate`"),
    ],
)
def test_a_token_that_ended_says_when_and_how_another_is_had(
    more: dict[str, Any], said: str, changed: str
) -> None:
    found = explain(ended(End.EXPIRED, **{"token_ends_s": NOW_S, **more}), ALWAYS, NOW_S)
    assert said in found.why
    assert changed in found.change


def test_what_went_wrong_before_the_end_is_told_beside_its_cause() -> None:
    signs = ("failover", "error:1/47", "reload:audio_silence", "leave:4")
    found = why(ended(End.IDLE, *signs))
    assert found == (
        f"{IDLE_SAID}; before that: files could not be uploaded to the storage, "
        "its page was loaded again (audio_silence), "
        "it had moved to another server, as it can three times."
    )


@pytest.mark.parametrize(
    ("reason", "terms", "after_s", "more", "said"),
    [
        (End.BROKEN, ALWAYS, 0, {}, "It is to be started again now."),
        (End.IDLE, ALWAYS, 0, {}, "It is to be started again after 2027-01-15T08:00:10Z."),
        (End.IDLE, ALWAYS, 10, {}, "It is to be started again now."),
        (
            End.BROKEN,
            ALWAYS,
            0,
            {"attempt": 2, "confirmed_s": None},
            "It is to be started again after 2027-01-15T08:00:20Z, after 3 failures in a row.",
        ),
        (End.IDLE, ON_FAILURE, 0, {}, "`policy.restart: on-failure` lets that stand."),
        (End.BROKEN, ON_FAILURE, 0, {}, "It is to be started again now."),
        (End.BROKEN, NEVER, 0, {}, "`policy.restart: never` lets that stand."),
        (End.QUOTA, NEVER, 0, {}, "It is to be started again after 2027-01-15T08:01:00Z."),
        (
            End.UNCONFIRMED,
            NEVER,
            0,
            {"replaces": "its predecessor"},
            "`policy.restart` says what follows.",
        ),
        (End.BROKEN, None, 0, {}, "`policy.restart` says what follows."),
    ],
)
def test_what_follows_is_what_policy_and_back_off_say(
    reason: End, terms: Terms | None, after_s: float, more: dict[str, Any], said: str
) -> None:
    one = ended(reason, confirmed_s=more.pop("confirmed_s", NOW_S - 60), **more)
    assert explain(one, terms, NOW_S + after_s).follows == said


def test_nothing_is_to_be_changed_about_an_end_that_was_meant() -> None:
    assert explain(ended(End.IDLE), ON_FAILURE, NOW_S).change == ""
    assert explain(ended(End.BROKEN), NEVER, NOW_S).change


def test_the_caller_may_know_that_it_begins_afresh() -> None:
    found = explain(ended(End.IDLE), ON_FAILURE, NOW_S, stands=False)
    assert "to be started again" in found.follows
    assert found.change


@pytest.mark.parametrize("reason", sorted(ASKED))
def test_an_end_that_was_asked_for_says_so_and_no_more(reason: End) -> None:
    found = explain(ended(reason, "leave:6", "error:1/47"), ALWAYS, NOW_S)
    assert found.text == found.why != ""
    assert IDLE_SAID not in found.why


def test_one_that_was_dropped_out_of_reach_says_since_when() -> None:
    assert "since 2027-01-15T08:00:00Z" in why(ended(End.UNSEEN, resource_ends_s=NOW_S))


CODES = st.one_of(
    st.integers(0, 120).map(str), st.sampled_from(["", "WebGL", "x", "1/47", "0/110", "²", "1/"])
)
SIGNS = st.lists(
    st.builds(
        lambda kind, code: f"{kind}:{code}" if code else kind,
        st.sampled_from(
            ["exit", "leave", "web", "limit", "reload", "error", "failover", "upload", "new"]
        ),
        CODES,
    ),
    max_size=16,
)


@given(
    SIGNS,
    st.sampled_from(sorted(End)),
    st.sampled_from(["individual", "mix", "web"]),
    st.sampled_from([None, ALWAYS, ON_FAILURE, NEVER]),
)
def test_whatever_is_told_is_explained_in_sentences(
    signs: list[str], reason: End, mode: str, terms: Terms | None
) -> None:
    found = explain(ended(reason, *signs, mode=mode), terms, NOW_S)
    for sentence in (found.why, found.follows, found.change):
        assert not sentence or (sentence[0] == "`" or sentence[0].isupper())
        assert not sentence or sentence.endswith(".")
        assert ".." not in sentence
        assert "  " not in sentence
    assert found.why
    assert found.why == why(ended(reason, *signs, mode=mode))
