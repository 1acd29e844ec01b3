"""The part that all documents share: `apiVersion`, `kind`, and nothing that does not belong.

Pure.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.diagnostics import Severity
from reconciler.spec.kinds.base import API_VERSION
from reconciler.spec.problems import Problem, error, without_echoes
from reconciler.spec.substitute import Substitution
from reconciler.spec.values import shown

KINDS = ("App", "Storage", "Recording", "RecordingSet", "Template")
_KEYS = ("apiVersion", "kind", "metadata", "spec")


def kind_of_manifest(manifest: Mapping[str, Any]) -> tuple[str | None, Sequence[Problem]]:
    """Return the manifest's kind (None: not one of ours) and what is wrong with its envelope."""
    problems = [*_api_version(manifest), *_unknown(manifest)]
    kind = manifest.get("kind")
    if kind is None:
        problems.append(
            error(("kind",), "missing", "`kind` is required", f"one of {', '.join(KINDS)}")
        )
        problems += (
            error((key,), "missing", f"`{key}` is required")
            for key in ("metadata", "spec")
            if key not in manifest
        )
        return None, without_echoes(problems)
    if not isinstance(kind, str) or kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(KINDS)}"
        problems.append(error(("kind",), "kind", f"there is no kind {shown(kind)}", hint))
        return None, tuple(problems)
    return str(kind), tuple(problems)


def with_head(manifest: Mapping[str, Any], filling: Substitution) -> Mapping[str, Any]:
    """Return the manifest with the variables filled in that say what it is."""
    said = {
        key: filling.fill(value, (key,))
        for key in ("apiVersion", "kind")
        if isinstance(value := manifest.get(key), str) and "${" in value
    }
    return {**manifest, **said} if said else manifest


def _api_version(manifest: Mapping[str, Any]) -> tuple[Problem, ...]:
    version = manifest.get("apiVersion")
    if version == API_VERSION:
        return ()
    hint = f"write `apiVersion: {API_VERSION}`"
    if version is None:
        return (error(("apiVersion",), "missing", "`apiVersion` is required", hint),)
    return (error(("apiVersion",), "api-version", f"this program reads `{API_VERSION}`", hint),)


def _unknown(manifest: Mapping[str, Any]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            (key,),
            Severity.ERROR,
            "unknown-key",
            f"`{key}` is not known here",
            _hint(near := _near(key)),
            of_key=True,
            meant=near,
        )
        for key in manifest
        if key not in _KEYS
    )


def _near(key: str) -> str:
    return next(iter(difflib.get_close_matches(key, _KEYS, n=1)), "")


def _hint(near: str) -> str:
    known = "a manifest has `apiVersion`, `kind`, `metadata`, `spec`"
    return f"did you mean `{near}`?" if near else known
