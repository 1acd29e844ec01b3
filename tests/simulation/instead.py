"""Lets everybody find another function, class or number at a place, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def instead(owner: object, name: str, other: object) -> Iterator[None]:
    """Put something else there, a module's or a class's, and put back what was there."""
    before = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, before)
