import json
from typing import Any

import pytest
from hypothesis import given, settings

from reconciler.plan.applied import (
    UNKNOWN_SEAL,
    Applied,
    Seal,
    Sealed,
    freeze,
    group_request,
    seal,
    sealed_of,
    sealed_text,
    secrets_of,
    thaw,
    unsealed,
)
from reconciler.spec.groups import Group, group_requests
from reconciler.spec.secrets import Secret
from tests.laws.worlds import Spec, recordings
from tests.plan.sealing import KEY_ID, compiled, sealed, spec_of
from tests.plan.sealing import given as applied_of

FEW = settings(max_examples=25, deadline=None)
HUSH = "hush-hush"
SECRETIVE: Spec = {
    "token": {"env": "TOKEN"},
    "encryption": {"mode": "aes-256-gcm", "key": HUSH},
    "raw": {"recordingConfig": {"privateParams": HUSH}},
}


def forms(secrets: tuple[Secret, ...]) -> list[tuple[str, Any]]:
    return [(secret.form, secret.source) for secret in secrets]


def test_the_secrets_that_count_are_all_but_the_token() -> None:
    desired = compiled(spec_of("mix", SECRETIVE))
    expected = [("literal", HUSH), ("env", "A"), ("env", "S")]
    assert forms(secrets_of(desired)) == expected


def test_a_secret_without_a_seal_gets_the_unknown_one() -> None:
    desired = compiled(spec_of("mix", {"token": {"env": "TOKEN"}}))
    applied = seal(desired, "app", {}, None)
    assert applied.request["token"] == Sealed(Secret("env", "TOKEN"), UNKNOWN_SEAL)
    assert applied.request["storageConfig"]["accessKey"].seal == UNKNOWN_SEAL
    assert (applied.mode, applied.channel, applied.app_key) == ("mix", "c", "app")


def test_no_literal_and_no_raw_stands_in_any_text() -> None:
    applied = sealed(compiled(spec_of("mix", SECRETIVE)))
    for text in (freeze(applied), sealed_text(applied), repr(applied)):
        assert HUSH not in text
        assert KEY_ID in text


def test_references_come_back_and_literals_without_their_text() -> None:
    desired = compiled(
        spec_of("mix", {**SECRETIVE, "storage": {"secretKey": {"env": None, "file": "place"}}})
    )
    stated: Any = desired.request
    folder = stated["storageConfig"]["secretKey"].folder
    _, request = unsealed(sealed(desired))
    assert request["storageConfig"]["secretKey"] == Secret("file", "place", folder)
    assert request["storageConfig"]["accessKey"] == Secret("env", "A")
    assert request["token"] == Secret("env", "TOKEN")
    assert request["recordingConfig"]["secret"] == Secret("literal", "")


@FEW
@given(manifest=recordings())
def test_what_was_frozen_thaws_to_itself(manifest: Spec) -> None:
    applied = sealed(compiled(manifest["spec"]))
    assert thaw(freeze(applied)) == applied
    assert freeze(thaw(freeze(applied))) == freeze(applied)


@FEW
@given(manifest=recordings())
def test_the_secrets_of_a_session_are_told_in_the_order_of_its_spec(manifest: Spec) -> None:
    desired = compiled(manifest["spec"])
    applied = sealed(desired)
    text = sealed_text(applied)
    found = sealed_of(text)
    assert sealed_text(thaw(freeze(applied))) == text
    secrets = secrets_of(desired)
    count = len(secrets) + (desired.raw is not None)
    assert [each.secret.form for each in found] == [
        *(secret.form for secret in secrets),
        *["raw"] * (count - len(secrets)),
    ]
    assert all(each.seal.key_id == KEY_ID and each.seal.mark for each in found)


def test_sessions_with_equal_secrets_share_one_text() -> None:
    one, other = (
        applied_of("mix", {"channel": channel, "layout": {"background": {"color": color}}})
        for channel, color in (("a", "#000001"), ("b", "#000002"))
    )
    assert one.channel != other.channel
    assert sealed_text(one) == sealed_text(other)
    assert sealed_text(applied_of("mix", {}, {"A": "other"})) != sealed_text(one)


def test_the_parts_of_credentials_are_told_apart() -> None:
    whole = {"accessKey": None, "secretKey": None, "credentials": {"exec": ["keys", "-x"]}}
    applied = applied_of("mix", {"storage": whole})
    found = sealed_of(sealed_text(applied))
    assert {each.secret.part for each in found} == {
        *("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    }
    assert {each.secret.source for each in found} == {("keys", "-x")}
    assert [each.secret.reads for each in found if each.secret.part == "Expiration"] == ["time"]
    assert thaw(freeze(applied)) == applied


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '"x"', "5", '{"mode": 1, "raw": null}', json.dumps({"raw": [1, 2, 3]}),
     json.dumps({**dict.fromkeys(["mode", "channel", "app_key"], ""), "raw": None, "acquire": 5,
                 "request": {}}),
     json.dumps({"request": {"a": {"$sealed": ["env", "A"]}}})],
)  # fmt: skip
def test_what_nobody_froze_does_not_thaw(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        thaw(text)


@pytest.mark.parametrize("text", ["", "5", "[5]", "[[]]", '[["env"]]'])
def test_what_nobody_wrote_is_no_list_of_secrets(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        sealed_of(text)


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        (Seal("k", "a"), Seal("k", "a"), True),
        (Seal("k", "a"), Seal("k", "b"), False),
        (Seal("k", "a"), Seal("l", "b"), True),
        (Seal("k", "a"), UNKNOWN_SEAL, True),
        (UNKNOWN_SEAL, UNKNOWN_SEAL, True),
    ],
)
def test_seals_disagree_only_where_they_can_be_compared(
    one: Seal, other: Seal, *, agrees: bool
) -> None:
    assert (one.agrees_with(other), other.agrees_with(one)) == (agrees, agrees)


# What updates carry


def shown(tree: Any) -> Any:
    """Write secrets as their references, sealed or not."""
    if isinstance(tree, Secret | Sealed):
        secret = tree.secret if isinstance(tree, Sealed) else tree
        return [secret.form, secret.source if secret.form != "literal" else ""]
    if isinstance(tree, dict):
        return {key: shown(value) for key, value in tree.items()}
    return [shown(item) for item in tree] if isinstance(tree, list) else tree


@FEW
@given(manifest=recordings())
def test_an_update_carries_what_a_start_would_say(manifest: Spec) -> None:
    desired = compiled(manifest["spec"])
    applied: Applied = sealed(desired)
    requests = group_requests(desired)
    assert requests
    for group, request in requests.items():
        assert shown(group_request(applied, group, desired.raw)) == shown(request)


def test_an_update_carries_what_raw_says_of_its_group() -> None:
    raw: Any = {"recordingConfig": {"transcodingConfig": {"backgroundColor": "#123456"}}}
    applied = applied_of("mix", {"raw": raw, "layout": {"type": "best-fit"}})
    expected = {"mixedVideoLayout": 1, "backgroundColor": "#123456"}
    assert group_request(applied, Group.LAYOUT, raw) == expected


def test_a_recording_has_only_the_groups_of_its_mode() -> None:
    with pytest.raises(KeyError):
        group_request(applied_of("web", {}), Group.LAYOUT)
