"""What a command asks of the `run` that holds its scope, and what it is answered.

The command makes a demand of its arguments and shows what it is answered; `requests.py` carries it
out in between. Sessions are named by their ids: both read them from the same state.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeAlias, TypeVar

from reconciler.engine import codec
from reconciler.engine.adopt import Adoption
from reconciler.errors import LockedError, ReconcilerError, RefusedError
from reconciler.plan.action import Kind
from reconciler.plan.result import Outcome, Problem
from reconciler.state.store import Request

D = TypeVar("D", bound="Stopped | Overridden | Imported | Forgotten | Approved")

DIGEST = re.compile(r"[0-9a-f]{8,64}")
"""A plan's digest, or enough of its beginning to mean one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop these Recordings, waiting no longer than `timeout_s` for their sessions to end."""

    names: tuple[str, ...]
    timeout_s: float
    parallelism: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """Hold these Recordings for that long; None: until they are resumed."""

    names: tuple[str, ...]
    reason: str
    for_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Let these Recordings record again."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Let go of these Recordings, or if `orphan` is a resource ID, of no more than such orphans."""

    names: tuple[str, ...]
    orphan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Lift the guard from the plan whose digest this is, or begins with this."""

    digest: str


Demand: TypeAlias = Stop | Suspend | Resume | Adoption | Forget | Approve

APPROVE = "approve"

DEMANDS: dict[str, type[Demand]] = {
    "stop": Stop,
    "suspend": Suspend,
    "resume": Resume,
    "import": Adoption,
    "forget": Forget,
    APPROVE: Approve,
}
"""By the command that makes it: the ones that work while a `run` holds the scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopResult:
    """What became of one replica's stop; `session` is an id, empty where none is left behind."""

    recording: str
    replica: int
    kind: Kind
    outcome: Outcome
    error: Problem | None
    session: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of the stops, in order of Recording and replica."""

    results: tuple[StopResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a Recording stands after `suspend` or `resume`; `since_s` None: it is not suspended."""

    name: str
    changed: bool
    since_s: float | None = None
    until_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overridden:
    """How the Recordings stand that were named, in that order."""

    recordings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """The id under which a session is kept now."""

    session: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The ids of the sessions that were let go of."""

    sessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """The guard is lifted."""


Done: TypeAlias = Stopped | Overridden | Imported | Forgotten | Approved


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why nothing came of it, as a ReconcilerError says it."""

    message: str
    hint: str | None
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    error: Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    taken: int


def request_of(demand: Demand, now_s: float) -> Request:
    """Return a demand as it is left in state."""
    (command,) = (name for name, kind in DEMANDS.items() if type(demand) is kind)
    return Request(created_s=now_s, command=command, arguments=codec.written(demand))


def demand_of(request: Request) -> Demand:
    """Return what a request asks for. Raises ReconcilerError for what nobody can carry out."""
    kind = DEMANDS.get(request.command)
    if kind is None:
        text = f"this `run` does not know the request `{request.command}`"
        raise ReconcilerError(text, hint=_SAME_VERSION)
    try:
        return codec.read(kind, request.arguments)
    except ValueError as problem:
        raise ReconcilerError(
            f"the request cannot be read: {problem}", hint=_SAME_VERSION
        ) from None


def names_in(request: Request) -> tuple[str, ...]:
    """Return the Recordings that a request is about; none: the scope, or what cannot be read."""
    command = request.command.removeprefix(_TAKEN)
    try:
        return _names(demand_of(replace(request, command=command)))
    except ReconcilerError:
        return ()


def digest_in(request: Request) -> str:
    """Return the digest that a request approves; empty if it approves none."""
    try:
        demand = demand_of(request)
    except ReconcilerError:
        return ""
    return demand.digest if isinstance(demand, Approve) else ""


def _names(demand: Demand) -> tuple[str, ...]:
    match demand:
        case Adoption(recording=name):
            return (name,)
        case Approve():
            return ()
        case _:
            return demand.names


def parts_of(demand: Demand, app_of: Callable[[str], str]) -> list[Demand]:
    """Return a demand for each App: of several `run`s each works on Apps of its own."""
    if isinstance(demand, Adoption | Approve):
        return [demand]
    names: dict[str, list[str]] = defaultdict(list)
    for name in demand.names:
        names[app_of(name)].append(name)
    return [replace(demand, names=tuple(part)) for part in names.values()]


def joined(done: Sequence[D]) -> D:
    """Return the answers to the parts of a demand as one."""
    first, *rest = done
    if not rest:
        return first
    (member,) = fields(first)
    make: Callable[..., D] = type(first)
    return make(tuple(item for each in done for item in getattr(each, member.name)))


def taken(request: Request) -> Request:
    """Return the request that its holder leaves, to be answered when all is done."""
    return replace(request, command=f"{_TAKEN}{request.command}")


def is_taken(request: Request) -> bool:
    """Tell whether a holder left it."""
    return request.command.startswith(_TAKEN)


def taken_text(place: int) -> str:
    """Return the first answer: it is begun, and what comes of it answers the request `place`."""
    return codec.written(_Taken(taken=place))


def place_in(text: str) -> int | None:
    """Return which request is answered when all is done; None: this is the answer already."""
    try:
        return codec.read(_Taken, text).taken
    except ValueError:
        return None


def done_text(done: Done) -> str:
    """Return the answer to a demand that was carried out."""
    return codec.written(done)


def failed_text(problem: ReconcilerError) -> str:
    """Return the answer to a demand that was not."""
    failed = Failed(message=str(problem), hint=problem.hint, exit_code=problem.exit_code)
    return codec.written(_Error(error=failed))


def answered(text: str, kind: type[D]) -> D:
    """Read an answer. Raises ReconcilerError where that is an error, or cannot be read."""
    try:
        return codec.read(kind, text)
    except ValueError as problem:
        raise _error(text, str(problem)) from None


def _error(text: str, why: str) -> ReconcilerError:
    try:
        failed = codec.read(_Error, text).error
    except ValueError:
        message = f"what the `run` answered cannot be read: {why}"
        return ReconcilerError(message, hint=_SAME_VERSION)
    kind = _KINDS.get(failed.exit_code, ReconcilerError)
    return kind(failed.message, hint=failed.hint)


_KINDS = {each.exit_code: each for each in (RefusedError, LockedError)}
_TAKEN = "taken-"
"""Begins the command of a request that a holder left."""

_SAME_VERSION = "the `run` and this command have to be of the same version"
