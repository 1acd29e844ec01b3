"""The table is whole, and rules over what could not be read are left out."""

import re

import pytest

from reconciler.spec.rules.rule import Rule
from reconciler.spec.rules.table import RULES, findings
from reconciler.spec.wire import Json, Mode, Path
from tests.spec.rules import bodies

# The rules of agora-api.md 3.13.
DOCUMENTED = frozenset(
    f"C{number}"
    for first, last in ((1, 15), (20, 22), (24, 56), (58, 67), (69, 71))
    for number in range(first, last + 1)
)

ELSEWHERE = (
    ("C3", "one identity names a session in all its calls"),
    ("C4", "spec: the rules across manifests"),
    ("C8", "spec: `mode` reads `composite` as `mix`"),
    ("C62", "nothing to report: the region that such vendors get is 0"),
    ("C69", "plan: when a token ends, against the schedule"),
    ("C71", "one body is sent with both calls"),
)


def test_every_documented_rule_is_in_the_table_or_known_to_be_elsewhere() -> None:
    here = {rule.id for rule in RULES if rule.id.startswith("C")}
    elsewhere = {rule_id for rule_id, _ in ELSEWHERE}
    assert here | elsewhere == DOCUMENTED
    assert not here & elsewhere


def test_ids_and_codes_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_in_one_line_what_it_is_for_and_where_it_stands(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.code)
    assert re.fullmatch(r"(Refuse|Warn of) [^\n]+\.", rule.summary)
    assert rule.source.startswith("agora-api.md ")
    assert rule.id.startswith("T") or rule.id in re.split(r"[ ;,]+", rule.source)
    assert rule.modes


@pytest.mark.parametrize(
    ("unreadable", "kept"),
    [
        ((), {"C31", "C27", "C43"}),
        (("recordingConfig", "maxIdleTime"), {"C27", "C43"}),
        (("recordingConfig", "maxIdleTime", "part"), {"C27", "C43"}),
        (("recordingConfig",), {"C43"}),
        (("recordingConfig", "subscribeVideoUids", 3), {"C31", "C43"}),
        (("recordingFileConfig", "avFileType", 0), {"C31", "C27"}),
        (("storageConfig", "bucket"), {"C31", "C27", "C43"}),
    ],
)
def test_a_rule_is_left_out_where_what_it_reads_could_not_be_read(
    unreadable: Path, kept: set[str]
) -> None:
    start: Json = {
        "recordingConfig": {"maxIdleTime": 1, "subscribeAudioUids": ["1"]},
        "recordingFileConfig": None,
    }
    body = bodies.body(Mode.MIX, start=start)
    judged = findings(body, unreadable=[unreadable] if unreadable else [])
    assert {rule.id for rule, _ in judged} == kept


def test_what_could_not_be_read_of_one_service_leaves_its_other_parameters_judged() -> None:
    param: Json = {"url": None, "videoFps": 99}
    start: Json = {"extensionServiceConfig": {"extensionServices": {"0": {"serviceParam": param}}}}
    url = ("extensionServiceConfig", "extensionServices", 0, "serviceParam", "url")
    judged = findings(bodies.body(Mode.WEB, start=start), unreadable=[url])
    assert [rule.id for rule, _ in judged] == ["C56"]
