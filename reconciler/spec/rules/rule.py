"""What a rule is, and how one is declared.

A rule judges the *wire* body (agora-api.md 3.13 is written in its terms), so one rule serves specs,
`raw` and `convert`. `mapping.py` turns a finding's wire path into the spec's path and position;
`table.py` lists the rules and runs them. A message names no wire field: the path says which. Pure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.diagnostics import Severity
from reconciler.spec.rules.read import AUDIO_AND_VIDEO, SERVICES, block, objects
from reconciler.spec.wire import Json, Mode, Path

ANY = "*"
"""In a path that a rule reads: every index of a list."""

ALL = frozenset(Mode)
INDIVIDUAL = frozenset({Mode.INDIVIDUAL})
MIX = frozenset({Mode.MIX})
WEB = frozenset({Mode.WEB})
CHANNEL = frozenset({Mode.INDIVIDUAL, Mode.MIX})
"""The modes that record an RTC channel, not a page."""


@dataclass(frozen=True, slots=True)
class Body:
    """One start as the service would see it.

    `request` is the start's `clientRequest`, `acquire` the acquire's without `startParameter`
    (empty: not known). `uids` are the recorder uids that the user gave (may be empty: derived
    ones clash with nothing). `now_s` is Unix time.
    """

    mode: Mode
    cname: str
    uids: tuple[str, ...]
    acquire: Mapping[str, Json]
    request: Mapping[str, Json]
    now_s: float

    recording: Mapping[str, Json] = field(init=False, repr=False, compare=False)
    """`recordingConfig`, empty where there is none, as the next two are."""
    transcoding: Mapping[str, Json] = field(init=False, repr=False, compare=False)
    storage: Mapping[str, Json] = field(init=False, repr=False, compare=False)
    services: Sequence[tuple[int, Mapping[str, Json]]] = field(
        init=False, repr=False, compare=False
    )
    """The extension services, each with its index."""

    def __post_init__(self) -> None:
        recording = block(self.request, "recordingConfig")
        extension = block(self.request, "extensionServiceConfig")
        object.__setattr__(self, "recording", recording)
        object.__setattr__(self, "transcoding", block(recording, "transcodingConfig"))
        object.__setattr__(self, "storage", block(self.request, "storageConfig"))
        object.__setattr__(self, "services", objects(extension, "extensionServices"))

    @property
    def streams(self) -> int | None:
        """Which kinds of streams are recorded, by default both; None where that cannot be told."""
        value = self.recording.get("streamTypes", AUDIO_AND_VIDEO)
        return value if type(value) is int else None

    def params(self, service_name: str) -> Sequence[tuple[Path, Mapping[str, Json]]]:
        """Return the `serviceParam` of each service of that name, with its path."""
        return [
            ((*SERVICES, index, "serviceParam"), block(service, "serviceParam"))
            for index, service in self.services
            if service.get("serviceName") == service_name
        ]


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach.

    `path` is a wire path that starts at the `clientRequest`, or with `cname`, `uid`, `acquire`.
    """

    path: Path
    severity: Severity
    message: str
    hint: str | None = None


def error(path: Path, message: str, hint: str | None = None) -> Finding:
    """Make a finding that refuses the manifest."""
    return Finding(path, Severity.ERROR, message, hint)


def warning(path: Path, message: str, hint: str | None = None) -> Finding:
    """Make a finding that is reported and continued after."""
    return Finding(path, Severity.WARNING, message, hint)


Check = Callable[[Body], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of agora-api.md: `id` is its number there, `code` the diagnostic's code.

    `reads` are the wire paths it looks at. It is not run where one of them could not be read, so
    that one mistake is not reported twice. `summary` is its line in the reference.
    """

    id: str
    code: str
    modes: frozenset[Mode]
    reads: tuple[Path, ...]
    source: str
    summary: str
    check: Check


def rule(
    rule_id: str, code: str, modes: frozenset[Mode], reads: tuple[Path, ...], source: str
) -> Callable[[Check], Rule]:
    """Declare a check as a rule; its docstring is the summary, `source` a place in agora-api.md."""

    def declare(check: Check) -> Rule:
        summary = check.__doc__ or ""
        return Rule(rule_id, code, modes, reads, f"agora-api.md {source}", summary, check)

    return declare
