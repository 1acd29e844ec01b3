"""Stretches of whole seconds: what of a time was, and what of it was not. Pure.

A second is known by the moment at which it begins, and counts as whatever that moment was: so all
sums are exact. Spans are in order, none is empty, and no two touch.
"""

from collections.abc import Iterable
from math import ceil
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""From a second up to but not with another."""

Spans: TypeAlias = tuple[Span, ...]


def span(from_s: float, until_s: float, within: Span) -> Spans:
    """Return the seconds within a span that begin at or after a moment, and before another."""
    first, end = max(from_s, within[0]), min(until_s, within[1])
    begins, ends = ceil(first), ceil(end)
    return ((begins, ends),) if begins < ends else ()


def union(spans: Iterable[Span]) -> Spans:
    """Return what is in any of these spans, whatever their order."""
    found: list[Span] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        elif begins < ends:
            found.append((begins, ends))
    return tuple(found)


def both(first: Spans, second: Spans) -> Spans:
    """Return what is in both."""
    found: list[Span] = []
    left = right = 0
    while left < len(first) and right < len(second):
        begins = max(first[left][0], second[right][0])
        ends = min(first[left][1], second[right][1])
        if begins < ends:
            found.append((begins, ends))
        if first[left][1] <= second[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def minus(spans: Spans, others: Spans) -> Spans:
    """Return what is in the first and not in the second."""
    if not spans:
        return ()
    edges = [spans[0][0], *(edge for other in others for edge in other), spans[-1][1]]
    between = zip(edges[::2], edges[1::2], strict=True)
    return both(spans, tuple((begins, ends) for begins, ends in between if begins < ends))


def total_s(spans: Iterable[Span]) -> int:
    """Return how many seconds there are."""
    return sum(ends - begins for begins, ends in spans)
