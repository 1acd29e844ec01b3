"""How recordings were covered: as JSON, as CSV, and as timelines for people."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.table import COLUMNS_MIN, Column, fit_text, table
from reconciler.plan.coverage import PENDING, Cover, Coverage, FilesSeen
from reconciler.plan.lapses import Lapse
from reconciler.plan.spans import Span, Spans, both, total_s
from reconciler.plan.times import rfc3339
from reconciler.web.times import span
from reconciler.web.values import FORMAT_VERSION

COLUMNS = (
    Column("NAME", least=12),
    Column("COVERED", right=True),
    Column("WANTED", right=True),
    Column("GAPS", right=True),
    Column("UNCONFIRMED", right=True, rank=1),
    Column("FILES", right=True, rank=2),
    Column("UPLOAD", rank=3),
)
CSV_COLUMNS = (
    "name",
    "since",
    "until",
    "wanted_s",
    "covered_s",
    "unconfirmed_s",
    "gap_s",
    "gaps",
    "percent",
    "files_expected",
    "files_listed",
    "upload",
)
NOTHING = "-"
INDENT = " " * 4
UPLOADS_WORST_FIRST = ("unknown", PENDING, "backuped", "uploaded")

LAPSES_SHOWN_MAX = 12
"""In text, of more gaps than this the longest are shown; the other forms list every one."""

TIMELINE_CELLS_MAX = 96

COVERED, PARTLY, GAP, UNCONFIRMED, UNWANTED = "█", "▄", "▁", "▒", "·"
STYLES = {COVERED: "32", PARTLY: "33", GAP: "31", UNCONFIRMED: "36", UNWANTED: "2"}
LEGEND = {
    COVERED: "covered",
    PARTLY: "in part",
    GAP: "gap",
    UNCONFIRMED: "unconfirmed",
    UNWANTED: "not wanted",
}


def coverage_document(found: Iterable[Coverage], since_s: float, until_s: float) -> dict[str, Any]:
    """Return the document of `coverage --format json`."""
    listed = list(found)
    return {
        "format_version": FORMAT_VERSION,
        "since": rfc3339(since_s),
        "until": rfc3339(until_s),
        "recordings": [_coverage_json(each) for each in listed],
        "summary": {
            "recordings": len(listed),
            "wanted_s": sum(each.whole.wanted_s for each in listed),
            "covered_s": sum(each.whole.covered_s for each in listed),
            "unconfirmed_s": sum(each.whole.unconfirmed_s for each in listed),
            "gap_s": sum(each.whole.lapse_s for each in listed),
            "gaps": sum(len(each.whole.lapses) for each in listed),
        },
    }


def coverage_csv(found: Iterable[Coverage], since_s: float, until_s: float) -> str:
    """Return a header and a line for each Recording."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for each in found:
        whole, files = each.whole, each.files
        percent = percent_of(whole).rstrip("%") if whole.wanted_s else ""
        writer.writerow(
            [
                each.name,
                rfc3339(since_s),
                rfc3339(until_s),
                whole.wanted_s,
                whole.covered_s,
                whole.unconfirmed_s,
                whole.lapse_s,
                len(whole.lapses),
                percent,
                "true" if files.expected else "false",
                files.listed,
                _upload(files) or "",
            ]
        )
    return out.getvalue()


def coverage_text(
    found: Sequence[Coverage], since_s: float, until_s: float, console: Console
) -> Iterator[str]:
    """Return the lines: each Recording with its timeline and its gaps, and the sums."""
    width = max(console.columns(), COLUMNS_MIN)
    yield console.styled(f"From {rfc3339(since_s)} to {rfc3339(until_s)}", "1")
    yield ""
    if found:
        header, *lines = table(COLUMNS, [_cells(each) for each in found], width)
        yield console.styled(header, "1")
        for each, line in zip(found, lines, strict=True):
            yield line
            yield f"  {_drawn(each.whole, (int(since_s), int(until_s)), width - 2, console)}"
            yield from _lapse_lines(each.whole.lapses, width, console)
        yield ""
        yield _legend(console)
    yield _summary(found)


def percent_of(cover: Cover) -> str:
    """Return how much of what was wanted was covered, never more than it was."""
    if not cover.wanted_s:
        return NOTHING
    tenths = cover.covered_s * 1000 // cover.wanted_s
    return f"{tenths // 10}.{tenths % 10}%"


def is_under(cover: Cover, percent: float) -> bool:
    """Tell whether less of what was wanted was covered; nothing is, of nothing."""
    return cover.covered_s * 100 < percent * cover.wanted_s


def _coverage_json(each: Coverage) -> dict[str, Any]:
    return {
        "name": each.name,
        **_cover_json(each.whole),
        "files": {
            "expected": each.files.expected,
            "listed": each.files.listed,
            "upload": _upload(each.files),
        },
        "replicas": [
            {"replica": number, **_cover_json(cover)} for number, cover in each.replicas.items()
        ],
    }


def _cover_json(cover: Cover) -> dict[str, Any]:
    return {
        "wanted_s": cover.wanted_s,
        "covered_s": cover.covered_s,
        "unconfirmed_s": cover.unconfirmed_s,
        "gaps": [
            {
                "from": rfc3339(lapse.from_s),
                "until": rfc3339(lapse.until_s),
                "seconds": lapse.seconds,
                "cause": lapse.cause,
                "message": lapse.message,
            }
            for lapse in cover.lapses
        ],
    }


def _upload(files: FilesSeen) -> str | None:
    """Return the worst that became of any ended session's files; None: none has ended."""
    known = [word for word in UPLOADS_WORST_FIRST if files.uploads.get(word)]
    others = sorted(files.uploads.keys() - set(UPLOADS_WORST_FIRST))
    return next(iter([*others, *known]), None)


def _cells(each: Coverage) -> list[str]:
    whole = each.whole
    missing = f"{len(whole.lapses)}, {span(whole.lapse_s)}" if whole.lapses else "0"
    return [
        each.name,
        percent_of(whole),
        span(whole.wanted_s),
        missing,
        span(whole.unconfirmed_s) if whole.unconfirmed_s else NOTHING,
        _files_cell(each.files),
        _upload(each.files) or NOTHING,
    ]


def _files_cell(files: FilesSeen) -> str:
    """Count the files; where there must be some and none is known, say so."""
    if files.listed or not files.expected:
        return str(files.listed) if files.listed else NOTHING
    return "none yet"


def _drawn(cover: Cover, whole: Span, width: int, console: Console) -> str:
    """Draw what became of the time, from left to right."""
    cells = min(width, TIMELINE_CELLS_MAX, max(1, whole[1] - whole[0]))
    edges = [whole[0] + (whole[1] - whole[0]) * index // cells for index in range(cells + 1)]
    glyphs = [_glyph(cover, ((edges[i], edges[i + 1]),)) for i in range(cells)]
    return _styled_runs(glyphs, console)


def _glyph(cover: Cover, cell: Spans) -> str:
    """Return what stands for a piece of time: no gap in it is hidden."""
    wanted, covered, unconfirmed = (
        total_s(both(spans, cell)) for spans in (cover.wanted, cover.covered, cover.unconfirmed)
    )
    if not wanted:
        return UNWANTED
    if wanted > covered + unconfirmed:
        return PARTLY if covered else GAP
    return COVERED if covered >= unconfirmed else UNCONFIRMED


def _styled_runs(glyphs: Sequence[str], console: Console) -> str:
    runs: list[str] = []
    for glyph in glyphs:
        if runs and runs[-1][0] == glyph:
            runs[-1] += glyph
        else:
            runs.append(glyph)
    return "".join(console.styled(run, STYLES[run[0]]) for run in runs)


def _lapse_lines(lapses: Sequence[Lapse], width: int, console: Console) -> Iterator[str]:
    """List the gaps in order of time, of too many the longest; no sentence stands twice."""
    longest = sorted(lapses, key=lambda lapse: -lapse.seconds)[:LAPSES_SHOWN_MAX]
    explained: set[str] = set()
    for lapse in sorted(longest, key=lambda lapse: lapse.from_s):
        cause = console.styled(lapse.cause, STYLES[GAP])
        yield f"  {_from_to(lapse)}  {span(lapse.seconds):>6}  {cause}"
        if lapse.message not in explained:
            yield from wrap(
                fit_text(lapse.message), width, initial_indent=INDENT, subsequent_indent=INDENT
            )
        explained.add(lapse.message)
    rest = len(lapses) - len(longest)
    if rest:
        rest_s = sum(each.seconds for each in lapses) - sum(each.seconds for each in longest)
        yield f"  and {rest} more, none longer, {span(rest_s)} in all"


def _from_to(lapse: Lapse) -> str:
    """Name both ends of a gap, the day once where it is one."""
    begins, ends = rfc3339(lapse.from_s), rfc3339(lapse.until_s)
    day, mark, clock = ends.partition("T")
    return f"{begins} to {clock if begins.startswith(day + mark) else ends}"


def _legend(console: Console) -> str:
    return "  ".join(
        f"{console.styled(glyph, STYLES[glyph])} {word}" for glyph, word in LEGEND.items()
    )


def _summary(found: Sequence[Coverage]) -> str:
    wanted_s = sum(each.whole.wanted_s for each in found)
    noun = "recording" if len(found) == 1 else "recordings"
    if not wanted_s:
        return f"Coverage: {len(found)} {noun}, nothing was wanted."
    gaps = sum(len(each.whole.lapses) for each in found)
    gap_s = sum(each.whole.lapse_s for each in found)
    covered_s = sum(each.whole.covered_s for each in found)
    unconfirmed_s = sum(each.whole.unconfirmed_s for each in found)
    tenths = covered_s * 1000 // wanted_s
    parts = [
        f"{tenths // 10}.{tenths % 10}% of {span(wanted_s)} covered",
        f"{gaps} {'gap' if gaps == 1 else 'gaps'}" + (f" ({span(gap_s)})" if gaps else ""),
        *([f"{span(unconfirmed_s)} unconfirmed"] if unconfirmed_s else []),
    ]
    return f"Coverage: {len(found)} {noun}, {', '.join(parts)}."
