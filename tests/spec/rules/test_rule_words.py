"""What the findings say: what is wrong, in words that fit YAML and JSON alike, and what to do."""

import pytest

from reconciler.spec.rules.table import findings
from reconciler.spec.wire import Json, Mode, Path
from tests.spec.rules import bodies

IDLE: Path = ("recordingConfig", "maxIdleTime")
FOCUS: Path = ("recordingConfig", "transcodingConfig", "maxResolutionUid")
RANGE = "must be a whole number of seconds from 5 to 2592000"
USER = "must be the uid of a user as text, 1 to 4294967295"


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        (IDLE, 3, f"{RANGE}, this is `3`", None),
        (IDLE, "300", f"{RANGE}, this is text", None),
        (IDLE, True, f"{RANGE}, this is a boolean", None),
        (IDLE, {}, f"{RANGE}, this is an object", None),
        (IDLE, 10**40, f"{RANGE}, this is `{'1' + '0' * 36}...`", None),
        (IDLE, 10**39, f"{RANGE}, this is `1{'0' * 39}`", None),
        (
            ("recordingConfig", "streamTypes"),
            "2",
            "must be one of `0`, `1`, `2`, this is text",
            None,
        ),
        (("recordingConfig", "streamTypes"), 5, "must be one of `0`, `1`, `2`, this is `5`", None),
        (("extensionServiceConfig",), {"apiVersion": "v2"}, "must be `v1`, this is `v2`", None),
        (FOCUS, "0", f"{USER}, this is `0`", None),
        (FOCUS, 7, f"{USER}, this is a number", None),
        (
            ("storageConfig", "fileNamePrefix"),
            ["room-1"],
            "must be letters and digits, this is `room-1`",
            "write `room1`",
        ),
        (
            ("storageConfig", "fileNamePrefix"),
            [""],
            "must be letters and digits, this is empty",
            None,
        ),
        (
            ("storageConfig", "fileNamePrefix"),
            ["a\nb\ud800"],
            "must be letters and digits, this is `a\ufffdb\ufffd`",
            "write `ab`",
        ),
        (("storageConfig", "region"), None, "is missing, must be the number of a region", None),
        (
            ("recordingFileConfg",),
            {},
            "is no key that the service documents",
            "did you mean `recordingFileConfig`?",
        ),
        (
            ("recordingConfig", "subscribeAudioUids"),
            ["1"],
            "stands alone: no video will be recorded",
            "give a list for video, too",
        ),
        (
            ("recordingConfig", "subscribeVideoUids"),
            ["1"],
            "stands alone: no audio will be recorded",
            "give a list for audio, too",
        ),
        (("zzz",), {}, "is no key that the service documents", None),
    ],
)
def test_a_finding_says_what_is_wrong_and_what_to_do(
    path: Path, value: Json, message: str, hint: str | None
) -> None:
    body = bodies.with_value(bodies.body(Mode.MIX), path, value)
    assert (message, hint) in [(finding.message, finding.hint) for _, finding in findings(body)]


@pytest.mark.parametrize(
    ("uid", "hint"), [("007", "a uid is written without leading zeros"), ("4294967296", None)]
)
def test_a_wrong_uid_has_a_hint_where_its_form_is_the_mistake(uid: str, hint: str | None) -> None:
    judged = findings(bodies.body(Mode.WEB, uids=[uid]))
    assert [finding.hint for _, finding in judged] == [hint]
