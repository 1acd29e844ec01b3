"""Chance that repeats itself: the only maker of random numbers here."""

from random import Random

HEX_BITS = 4


def chance(seed: int, purpose: str) -> Random:
    """Return a source of its own for each purpose, so that one does not disturb the others."""
    return Random(f"{seed}:{purpose}")  # noqa: S311  # a run can be repeated from its seed


def hex_digits(source: Random, count: int) -> str:
    """Return so many hexadecimal digits."""
    return f"{source.getrandbits(HEX_BITS * count):0{count}x}"


def uuid(source: Random) -> str:
    """Return an identifier that looks like those of notifications."""
    digits = hex_digits(source, 32)
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts)
