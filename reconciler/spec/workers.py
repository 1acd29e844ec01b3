"""Apply a function on all cores, for the first read of thousands of specs.

Children are forked, so they know everything that the parent has made and nothing has to be copied
to them. Only a process without threads may do that: the command line, never the daemon.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")

CHUNK = 16
"""Items a child takes at a time: few enough that all end together."""


def forked_map(function: Callable[[int], Result], count: int, workers: int) -> Iterator[Result]:
    """Return `function(0)` to `function(count - 1)` in order, computed by forked children.

    What an application raises, this raises.
    """
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, _remember, (function,)) as pool:
        yield from pool.imap(_call, range(count), CHUNK)


_functions: list[Callable[[int], Any]] = []


def _remember(function: Callable[[int], Any]) -> None:
    """Take over the parent's function, and leave interrupts to the parent."""
    _functions.append(function)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(index: int) -> Any:
    return _functions[-1](index)
