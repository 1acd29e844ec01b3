"""Values and keys that the service's tables do not have."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from reconciler.spec.rules.read import kind, shown
from reconciler.spec.rules.rule import ALL, Body, Finding, error, rule, warning
from reconciler.spec.rules.shape import ACQUIRE, REQUEST, Choice, ListOf, Node, Object, Uid
from reconciler.spec.wire import Json, Path


@rule("T1", "wrong-value", ALL, (), "2.1 and 3.1 to 3.10")
def wrong_value(body: Body) -> Iterable[Finding]:
    """Refuse a value of another kind than the service wants, or not among its words or numbers."""
    start, acquire = dict(body.request), dict(body.acquire)
    return (*_misfits(REQUEST, start, ()), *_misfits(ACQUIRE, acquire, ("acquire",)))


@rule("C9", "unknown-key", ALL, (), "3.13 C9; 3.10, K42")
def unknown_key(body: Body) -> Iterable[Finding]:
    """Warn of a key that no document knows, but for the places where private switches stand."""
    start, acquire = dict(body.request), dict(body.acquire)
    return (*_strangers(REQUEST, start, ()), *_strangers(ACQUIRE, acquire, ("acquire",)))


def _misfits(node: Node, value: Json, path: Path) -> Iterator[Finding]:
    if node.fits(value):
        return
    if isinstance(node, Object) and isinstance(value, dict):
        for key, item in value.items():
            if key in node.fields:
                yield from _misfits(node.fields[key], item, (*path, key))
    elif isinstance(node, ListOf) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(node.item, item, (*path, index))
    else:
        yield _misfit(node, value, path)


def _misfit(node: Node, value: Json, path: Path) -> Finding:
    if value is None:
        return error(path, "must not be null", "leave the key out")
    right = (isinstance(node, Choice) and isinstance(value, type(node.values[0]))) or (
        isinstance(node, Uid) and isinstance(value, str)
    )
    seen = shown(value) if right else kind(value)
    return error(path, f"must be {node.wanted}, this is {seen}")


def _strangers(node: Node, value: Json, path: Path) -> Iterator[Finding]:
    if isinstance(node, Object) and isinstance(value, dict):
        if not node.open and not value.keys() <= node.fields.keys():
            yield from (
                _stranger(node.fields, key, path) for key in value if key not in node.fields
            )
        for key, child in node.nested.items():
            if key in value:
                yield from _strangers(child, value[key], (*path, key))
    elif isinstance(node, ListOf) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strangers(node.item, item, (*path, index))


def _stranger(fields: Mapping[str, Node], key: str, path: Path) -> Finding:
    near = difflib.get_close_matches(str(key), fields, n=1)
    hint = f"did you mean `{near[0]}`?" if near else None
    return warning((*path, key), "is no key that the service documents", hint)
