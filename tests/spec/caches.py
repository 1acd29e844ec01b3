"""A small world of specs, read through a cache and without one."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from reconciler.spec.apps import AppDefinition
from reconciler.spec.cache import VARIABLE, Cache, open_cache
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired
from reconciler.spec.setting import Setting
from tests.spec.support import APP, STORAGE, desired, manifest, read, recording, setting

TEMPLATE = manifest("Template", "base", "maxIdle: 7s")
ROOMS = """\
apiVersion: reconciler/v1
kind: RecordingSet
metadata: {name: rooms}
spec:
  generators: [{file: rooms.csv}]
  recording:
    metadata: {name: "${room}"}
    spec: {mode: mix, channel: "${room}", storage: archive, channelProfile: live}
"""
WORLD: dict[str, str | bytes] = {
    "app.yaml": APP,
    "storage.yaml": STORAGE,
    "template.yaml": TEMPLATE,
    "a.yaml": recording("a", "template: base\nprefix: ${var.prefix}"),
    "b.yaml": f"{recording('b', 'replicas: 9')}---\n{recording('c', 'audioProfile: 2')}",
    "rooms.yaml": ROOMS,
    "rooms.csv": "room\nx\ny\n",
}
GIVEN = setting(prefix="p")


def opened(home: Path) -> Cache | None:
    """Open the cache that lies there."""
    return open_cache({VARIABLE: str(home)})


Rest = tuple[dict[str, AppDefinition], dict[tuple[str, int], str], tuple[str, ...], int]
Facts = tuple[list[tuple[Any, ...]], list[str], bool, dict[str, Desired | None], Rest]


def facts(found: Catalog) -> Facts:
    """Return everything that a catalog says, wherever it has it from."""
    rows = [
        (entry.name, entry.file, entry.document, entry.origin, entry.digest, entry.uids)
        for entry in found.entries
    ]
    told = [f"{problem.position} {problem}" for problem in found.diagnostics]
    rest = (dict(found.apps), dict(found.sets), found.empty_sets, found.manifests)
    return rows, told, found.complete, desired(found), rest


def through(home: Path, folder: Path, given: Setting = GIVEN) -> Facts:
    """Read through the cache as a command does, bodies and all."""
    cache = opened(home)
    found = facts(read(folder, given, cache))
    if cache:
        cache.flush()
    return found


def rows_kept(home: Path) -> int:
    """Count the results that the cache holds."""
    with closing(sqlite3.connect(home / "specs.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM indexes").fetchone()[0])
