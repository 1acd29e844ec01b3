"""Which pass a line of the log belongs to: fields that are added to all that is logged within."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_fields: ContextVar[Mapping[str, str]] = ContextVar("fields", default=_NOTHING)


def fields() -> Mapping[str, str]:
    """Return the fields of the pass that runs here; none outside of passes."""
    return _fields.get()


@contextmanager
def tracing(**values: str) -> Iterator[None]:
    """Give these fields to all that is logged within."""
    token = _fields.set({**_fields.get(), **values})
    try:
        yield
    finally:
        _fields.reset(token)
