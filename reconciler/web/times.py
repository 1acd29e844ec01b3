"""Times as documents and people get them: moments for programs, spans for people."""

from reconciler.plan.times import rfc3339

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


def rfc3339_or_none(time_s: float | None) -> str | None:
    """Write a moment as JSON has it, None where there is none."""
    return None if time_s is None else rfc3339(time_s)


def span(seconds: float) -> str:
    """Write how long something takes, in its two largest units: `45s`, `12m`, `2h05m`, `3d04h`."""
    whole = max(0, round(seconds))
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m"
    if whole < DAY_S:
        return f"{whole // HOUR_S}h{whole % HOUR_S // MINUTE_S:02}m"
    return f"{whole // DAY_S}d{whole % DAY_S // HOUR_S:02}h"


def ahead(time_s: float, now_s: float) -> str:
    """Write when something is due, seen from now: `in 12m`, or `now` if it is past."""
    return f"in {span(time_s - now_s)}" if time_s > now_s else "now"
