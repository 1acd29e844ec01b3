"""What `suspend` and `resume` write: an override in state, above the specs.

It acts with the next pass; what was asked so far stays known (`asked.py`).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from reconciler.engine.asked import asked_change
from reconciler.engine.demands import Overridden, Resume, Standing, Suspend
from reconciler.engine.records import Records
from reconciler.engine.tell import NORMAL, event
from reconciler.errors import UsageError
from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.times import rfc3339
from reconciler.state.store import Change, SetRecorded

Pair = tuple[Recorded, Recorded]
"""A Recording before and after."""


async def override(records: Records, demand: Suspend | Resume, now_s: float) -> Overridden:
    """Write it for all that are named, or none; return how they stand then.

    Raises UsageError for a name that is not known, StateError.
    """
    check_known(demand.names, records.recorded)
    known = [records.recorded[name] for name in demand.names]
    pairs = [(each, replace(each, override=_decided(each, demand, now_s))) for each in known]
    changes = list(_changes(pairs, now_s))
    if changes:
        await records.commit(*changes)
    return Overridden(tuple(_standing(before, after, now_s) for before, after in pairs))


def check_known(names: Iterable[str], known: Collection[str]) -> None:
    """Raise UsageError for the first name that is not known."""
    for name in names:
        if name not in known:
            hint = "`reconciler status` lists them"
            raise UsageError(f"there is no Recording `{name}` here any more", hint=hint)


def said(standing: Standing) -> str:
    """Return how a Recording stands, in a few words for people."""
    if standing.since_s is None:
        return "resumed" if standing.changed else "it was not suspended"
    until = "" if standing.until_s is None else f" until {rfc3339(standing.until_s)}"
    reason = f" ({standing.reason})" if standing.reason else ""
    already = "" if standing.changed else " already"
    return f"suspended{already}{until}{reason}"


def _decided(recorded: Recorded, demand: Suspend | Resume, now_s: float) -> Override | None:
    """Return the override that is to be; one that ended stays (design/spec-format.md, `restart`).

    When it ended tells what was final that it begins afresh.
    """
    known = recorded.override
    held = known if known is not None and _in_force(known, now_s) else None
    if isinstance(demand, Resume):
        # Both moments have been, so that it does not hold again where the clock was set back.
        return known if held is None else replace(held, since_s=now_s, until_s=now_s)
    until_s = None if demand.for_s is None else now_s + demand.for_s
    return Override(since_s=held.since_s if held else now_s, reason=demand.reason, until_s=until_s)


def _in_force(override: Override, now_s: float) -> bool:
    return override.until_s is None or override.until_s > now_s


def _changes(pairs: Iterable[Pair], now_s: float) -> Iterator[Change]:
    for before, after in pairs:
        if before != after:
            standing = _standing(before, after, now_s)
            command, reason = _RESUMED if standing.since_s is None else _SUSPENDED
            message = f"`reconciler {command}`: {said(standing)}"
            yield SetRecorded(recorded=after)
            yield asked_change(after, now_s)
            yield event(after.name, NORMAL, reason, message, now_s)


_SUSPENDED = ("suspend", "suspended")
_RESUMED = ("resume", "resumed")


def _standing(before: Recorded, after: Recorded, now_s: float) -> Standing:
    changed, held = before != after, after.override
    if held is None or not _in_force(held, now_s):
        return Standing(name=after.name, changed=changed)
    return Standing(
        name=after.name,
        changed=changed,
        since_s=held.since_s,
        until_s=held.until_s,
        reason=held.reason,
    )
