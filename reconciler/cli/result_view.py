"""What became of an apply's actions, for people."""

from collections.abc import Iterator, Sequence

from reconciler.cli.console import Console
from reconciler.cli.plan_words import SYMBOLS
from reconciler.cli.report import one_line
from reconciler.plan.result import OUTCOMES, Result, result_summary
from reconciler.web.times import span

STYLES = {"done": "32", "failed": "1;31", "skipped": "33"}


def results_text(
    results: Sequence[Result], console: Console, title: str = "Apply"
) -> Iterator[str]:
    """Return the lines: one for each result, why it is none below, last the one that counts.

    Where progress wrote a line for each as it came, what was done is not written a second time.
    """
    is_told = not (console.quiet or console.colour(console.err))
    for result in results:
        if is_told and result.outcome == "done":
            continue
        head, *why = result_lines(result)
        yield console.styled(head, STYLES[result.outcome])
        yield from why
    yield console.styled(summary_line(results, title), "1")


def result_lines(result: Result) -> Iterator[str]:
    """Return a result in one line, and why it failed or was skipped in others."""
    symbol = SYMBOLS[result.kind]
    yield f"{symbol:<3} {one_line(str(result.key))}  {result.kind}  {_ended(result)}"
    if result.error is not None:
        yield f"    {result.error.code}: {one_line(result.error.message)}"
        if result.error.hint:
            yield f"    hint: {one_line(result.error.hint)}"


def summary_line(results: Sequence[Result], title: str = "Apply") -> str:
    """Count the results by how they ended, in one line."""
    count = result_summary(results)
    return f"{title}: {', '.join(f'{count[outcome]} {outcome}' for outcome in OUTCOMES)}."


def _ended(result: Result) -> str:
    if result.outcome == "skipped":
        return result.outcome
    return f"{result.outcome} in {span(result.seconds)}"
