"""Moments as the command line writes them."""

import argparse

from reconciler.errors import SpecError, UsageError
from reconciler.spec.duration import parse_duration
from reconciler.spec.schedule import parse_time


def moment(text: str) -> float:
    """Read a moment of the command line (RFC 3339)."""
    try:
        return parse_time(text).timestamp()
    except SpecError as problem:
        raise argparse.ArgumentTypeError(f"{problem}; {problem.hint}") from None


def moment_or_age(option: str, text: str, now_s: float) -> float:
    """Read a duration back from now, or a moment, of an option. Raises UsageError."""
    try:
        return now_s - parse_duration(text)
    except SpecError:
        pass
    try:
        return parse_time(text).timestamp()
    except SpecError:
        hint = "write a moment such as 2026-12-01T09:00:00Z, or a duration such as 24h"
        raise UsageError(f"`{option} {text}` is no time", hint=hint) from None
