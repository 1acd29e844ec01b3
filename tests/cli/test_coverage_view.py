import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.cli.console import Console
from reconciler.cli.coverage_view import (
    COVERED,
    GAP,
    PARTLY,
    UNCONFIRMED,
    UNWANTED,
    coverage_csv,
    coverage_document,
    coverage_text,
    is_under,
    percent_of,
)
from reconciler.plan.coverage import Coverage, coverage
from reconciler.plan.session import End, Phase, Session
from reconciler.state.store import Gap, Past
from tests.cli.contract import COUNT, MAYBE_TEXT, TEXT, TIME, VERSION, known, listed
from tests.plan.histories import (
    NOW_S,
    SINCE_S,
    asked,
    gaps,
    history,
    made_sessions,
    past,
    rows,
    session,
)

COVER = {
    "wanted_s": COUNT,
    "covered_s": COUNT,
    "unconfirmed_s": COUNT,
    "gaps": listed(
        known(**{"from": TIME, "until": TIME, "seconds": COUNT, "cause": TEXT, "message": TEXT})
    ),
}
SCHEMA = known(
    format_version=VERSION,
    since=TIME,
    until=TIME,
    recordings=listed(
        known(
            name=TEXT,
            **COVER,
            files=known(expected={"type": "boolean"}, listed=COUNT, upload=MAYBE_TEXT),
            replicas=listed(known(replica=COUNT, **COVER)),
        )
    ),
    summary=known(
        recordings=COUNT,
        wanted_s=COUNT,
        covered_s=COUNT,
        unconfirmed_s=COUNT,
        gap_s=COUNT,
        gaps=COUNT,
    ),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def covered(*sessions: Session | Past, **more: Any) -> Coverage:
    return coverage(history(*sessions, **more), SINCE_S, NOW_S, NOW_S)


def lines(*found: Coverage, columns: int = 100) -> list[str]:
    console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": str(columns)})
    return list(coverage_text(found, SINCE_S, NOW_S, console))


def timeline(*found: Coverage, columns: int = 62) -> str:
    return lines(*found, columns=columns)[4].removeprefix("  ")


@given(st.data())
def test_whatever_became_of_it_is_the_document_of_the_contract(data: st.DataObject) -> None:
    made = data.draw(made_sessions())
    found = covered(
        *(each.session for each in made),
        rows=data.draw(rows()),
        interruptions=data.draw(gaps(made)),
    )
    document = coverage_document([found], SINCE_S, NOW_S)
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document)))
    (told,) = document["recordings"]
    lost_s = sum(gap["seconds"] for gap in told["gaps"])
    assert told["wanted_s"] == told["covered_s"] + told["unconfirmed_s"] + lost_s
    (line,) = csv.DictReader(io.StringIO(coverage_csv([found], SINCE_S, NOW_S)))
    numbers = [int(line[key]) for key in ("covered_s", "unconfirmed_s", "gap_s")]
    assert (int(line["wanted_s"]), numbers[2]) == (sum(numbers), lost_s)
    assert len(timeline(found)) == 60


def test_a_timeline_has_a_sign_for_each_that_is_read_without_colour() -> None:
    exited = session(phase=Phase.ENDED, end_reason=End.EXITED, ended_s=NOW_S - 300)
    again = session("two", created_s=NOW_S - 200, confirmed_s=NOW_S - 195, observed_s=NOW_S - 50)
    drawn = timeline(covered(exited, again, rows=[asked(SINCE_S + 100)]))
    expected = UNWANTED * 10 + COVERED * 20 + GAP * 10 + PARTLY + COVERED * 14 + UNCONFIRMED * 5
    assert drawn == expected


def test_no_gap_is_too_short_to_be_drawn() -> None:
    hole = Gap(session="one", from_s=NOW_S - 301, until_s=NOW_S - 300, cause="failover")
    assert timeline(covered(session(), interruptions=[hole]), columns=42).count(PARTLY) == 1


def test_colour_adds_nothing_to_a_timeline_but_colour() -> None:
    plain = lines(covered(session()))
    console = Console(Terminal(), io.StringIO(), {"COLUMNS": "100"})
    coloured = list(coverage_text([covered(session())], SINCE_S, NOW_S, console))
    assert "\x1b[32m" in coloured[4]
    for style in ("0", "1", "2", "31", "32", "33", "36"):
        coloured = [line.replace(f"\x1b[{style}m", "") for line in coloured]
    assert coloured == plain


def test_each_gap_is_listed_with_its_ends_its_length_and_its_cause_once_explained() -> None:
    holes = [
        Gap(session="one", from_s=SINCE_S + at, until_s=SINCE_S + at + 30, cause="failover")
        for at in (100, 200)
    ]
    told = lines(covered(session(), interruptions=holes))
    assert told[5].split() == ["2027-01-15T07:51:40Z", "to", "07:52:10Z", "30s", "failover"]
    assert "moved to another server" in told[6]
    assert told[7].split() == ["2027-01-15T07:53:20Z", "to", "07:53:50Z", "30s", "failover"]
    assert told[-1] == (
        "Coverage: 1 recording, 86.6% of 10m covered, 2 gaps (1m), 20s unconfirmed."
    )


def test_of_many_gaps_the_longest_are_listed_and_the_others_counted() -> None:
    holes = [
        Gap(session="one", from_s=SINCE_S + at * 30, until_s=SINCE_S + at * 31 + 1, cause="missing")
        for at in range(15)
    ]
    told = lines(covered(session(), interruptions=holes))
    assert sum(line.endswith("missing") for line in told) == 12
    assert "  and 3 more, none longer, 6s in all" in told


def test_what_was_not_wanted_has_no_share() -> None:
    nothing = covered(rows=[asked(SINCE_S, None)])
    assert percent_of(nothing.whole) == "-"
    assert not is_under(nothing.whole, 100.0)
    assert lines(nothing)[-1] == "Coverage: 1 recording, nothing was wanted."
    assert lines()[-1] == "Coverage: 0 recordings, nothing was wanted."
    assert coverage_csv([nothing], SINCE_S, NOW_S).splitlines()[1].endswith(",0,,false,0,")


@pytest.mark.parametrize(
    ("hole_s", "percent", "under"), [(0, "100.0%", 100.0), (1, "99.8%", 99.9), (300, "50.0%", 50.5)]
)
def test_a_share_is_never_rounded_up(hole_s: float, percent: str, under: float) -> None:
    hole = Gap(session="one", from_s=SINCE_S, until_s=SINCE_S + hole_s, cause="missing")
    whole = covered(session(observed_s=NOW_S), interruptions=[hole]).whole
    assert percent_of(whole) == percent
    assert is_under(whole, under) == bool(hole_s)
    assert not is_under(whole, 50.0)


@pytest.mark.parametrize(
    ("uploads", "said"),
    [
        (["uploaded", "backuped"], "backuped"),
        (["uploaded", ""], "pending"),
        (["", "unknown"], "unknown"),
        (["lost", "unknown"], "lost"),
        ([], None),
    ],
)
def test_of_uploads_the_worst_is_told(uploads: list[str], said: str | None) -> None:
    over = {"phase": Phase.ENDED, "end_reason": End.EXITED, "ended_s": NOW_S}
    ended = [past(session(f"s{n}", **over), "", word) for n, word in enumerate(uploads)]
    (told,) = coverage_document([covered(*ended)], SINCE_S, NOW_S)["recordings"]
    assert told["files"]["upload"] == said


def test_files_that_must_be_there_and_are_not_known_are_told_of() -> None:
    assert "none yet" in lines(covered(session()))[3]
