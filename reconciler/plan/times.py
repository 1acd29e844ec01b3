"""Moments, from Unix seconds to what people and calendars read. Pure."""

from datetime import UTC, datetime


def rfc3339(at_s: float) -> str:
    """Write a moment as people and JSON get it: `2026-11-20T14:00:00Z`."""
    return f"{instant(at_s):%Y-%m-%dT%H:%M:%SZ}"


def instant(at_s: float) -> datetime:
    """Return the moment in UTC."""
    return datetime.fromtimestamp(at_s, UTC)
