"""Specs in a folder of their own, read as the commands read them, and what comes of it as text."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.spec.cache import Cache
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.desired import Desired
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from reconciler.spec.source import Source
from reconciler.spec.syntax import Document, parse

NOW_S = 1_790_000_000.0  # 2026-09-21T14:13:20Z

APP = """\
apiVersion: reconciler/v1
kind: App
metadata: {name: default}
spec:
  appId: 0123456789abcdef0123456789abcdef
  credentials: {customerId: {env: ID}, customerSecret: {env: SECRET}}
"""
STORAGE = """\
apiVersion: reconciler/v1
kind: Storage
metadata: {name: archive}
spec: {vendor: aws, region: us-east-1, bucket: b, accessKey: {env: A}, secretKey: {env: S}}
"""
SHARED = f"{STORAGE}---\n{APP}"


def manifest(kind: str, name: str, spec: str) -> str:
    """Return a document whose `spec` is given as YAML, not indented; line 5 is its first."""
    body = "".join(f"  {line}\n" for line in spec.splitlines())
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{body}"


def recording(name: str, more: str = "", *, template: str = "") -> str:
    """Return a sound mix Recording with more lines; with a template it says nothing else."""
    own = f"template: {template}\n" if template else SOUND
    return manifest("Recording", name, own + more)


SOUND = "mode: mix\nchannel: c\nstorage: archive\nchannelProfile: live\n"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below the folder and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def setting(*, now_s: float = NOW_S, **variables: Any) -> Setting:
    """Return what a load is given from outside: variables, and an environment that says nothing."""
    return Setting(variables=variables, allowed_hosts=frozenset(), environ={}, now_s=now_s)


def read(
    folder: Path, given: Setting | None = None, cache: Cache | None = None, *paths: str
) -> Catalog:
    """Read the folder, or the paths in it."""
    files = Files([str(folder / path) for path in paths] or [str(folder)])
    return read_catalog(files, given or setting(), cache)


def of_text(text: str | bytes) -> Document:
    """Return the only document of a text."""
    data = text.encode() if isinstance(text, str) else text
    parsed = parse(Source.of("a.yaml", data))
    assert not parsed.diagnostics
    return parsed.documents[0]


def desired(catalog: Catalog) -> dict[str, Desired | None]:
    """Return every recording by name, None for one with errors."""
    return {entry.name: entry.desired() if entry.digest else None for entry in catalog.entries}


def one(catalog: Catalog) -> Desired:
    """Return the only recording of a catalog without problems."""
    assert said(catalog.diagnostics) == []
    (entry,) = catalog.entries
    return entry.desired()


def said(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Write diagnostics as `FILE:LINE:COLUMN CODE PATH`, the file without its folder."""
    return [
        f"{place(diagnostic)} {diagnostic.code} {diagnostic.path}".rstrip()
        for diagnostic in diagnostics
    ]


def place(diagnostic: Diagnostic) -> str:
    """Write where a diagnostic points, the file without its folder."""
    position = diagnostic.position
    return f"{position.file.rpartition('/')[2]}:{position.line}:{position.column}"
