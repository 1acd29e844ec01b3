"""Where the specs of a `run` stand, as conditions of the whole scope, events and logs."""

import logging

from reconciler.daemon.source import Fetched
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.records import Records
from reconciler.engine.tell import NORMAL, WARNING, event
from reconciler.spec.catalog import Catalog
from reconciler.state.store import Change, Condition

SOURCE = "Source"
"""True: the newest specs were read. Its message names the commit."""

SPECS = "Specs"
"""True: every manifest is sound."""

TOLD_MAX = 20
"""So many errors of the specs are logged one by one."""

log = logging.getLogger(__name__)


class Standing:
    """The conditions of the scope; a commit is made only where one of them changes."""

    def __init__(self, records: Records) -> None:
        """Read what stands. Raises StateError."""
        self._records = records
        found = records.store.conditions(records.scope)
        self._known = {
            each.type: (each.status, each.reason, each.message)
            for each in found
            if not each.recording
        }

    async def source(self, place: str, fetched: Fetched, now_s: float) -> None:
        """Say what was fetched from where. Raises StateError."""
        at = f"commit {fetched.commit} of {place}" if fetched.commit else place
        if not fetched.problem:
            reason = "commit" if fetched.commit else "read"
            await self._set(SOURCE, (True, reason, f"specs are read from {at}"), now_s)
            return
        kept = f"; what was read last stays in force ({at})" if fetched.paths else ""
        await self._set(SOURCE, (False, "source-failed", f"{fetched.problem}{kept}"), now_s)

    async def specs(self, catalog: Catalog, now_s: float) -> None:
        """Say whether the specs are sound, and what is wrong with them. Raises StateError."""
        errors = [each for each in catalog.diagnostics if each.severity is Severity.ERROR]
        if not errors and catalog.complete:
            await self._set(SPECS, (True, "sound", ""), now_s)
            return
        message = _summary(errors) if errors else _PART
        if await self._set(SPECS, (False, "spec-invalid", message), now_s):
            for each in errors[:TOLD_MAX]:
                log.warning("a manifest has errors", extra={"problem": _line(each)})

    async def _set(self, kind: str, what: tuple[bool, str, str], now_s: float) -> bool:
        """Write a condition, and an event of it, where it is another than before."""
        if self._known.get(kind) == what:
            return False
        status, reason, message = what
        condition = Condition(
            recording="",
            replica=0,
            type=kind,
            status=status,
            reason=reason,
            message=message,
            since_s=now_s,
        )
        changes: list[Change] = [condition]
        if not (status and kind == SPECS and kind not in self._known):
            told = message or "every manifest is sound"
            changes.append(event("", NORMAL if status else WARNING, reason, told, now_s))
        await self._records.commit(*changes)
        self._known[kind] = what
        return True


_PART = "not all of what is there could be read"


def _summary(errors: list[Diagnostic]) -> str:
    first = _line(errors[0])
    return f"{len(errors)} errors, the first: {first}" if len(errors) > 1 else first


def _line(diagnostic: Diagnostic) -> str:
    said = f"{diagnostic.path}: {diagnostic.message}" if diagnostic.path else diagnostic.message
    return f"{diagnostic.position}: {said}"
