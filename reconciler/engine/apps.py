"""The Apps of a run: their facts for planning, and a client for each that can be called.

A client is made when it is first needed, so that a run which calls nobody opens nothing. What
concerns all work of an App (wrong credentials, a suspended account) is kept here and said once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from reconciler.agora.budget import Budget, Limit
from reconciler.agora.failures import APP_WIDE, Failure, Meaning
from reconciler.agora.messages import Wire
from reconciler.agora.project import Project
from reconciler.clock import Clock
from reconciler.engine.halt import INTERRUPTED, Halt
from reconciler.engine.vault import Vault, app_key_of
from reconciler.errors import SecretError, UsageError
from reconciler.plan.reasons import Reason
from reconciler.plan.result import Problem
from reconciler.plan.session import Session
from reconciler.plan.world import AppFacts
from reconciler.spec.apps import AppDefinition, foreign_hosts, host_of
from reconciler.spec.secrets import SecretValue

if TYPE_CHECKING:
    from reconciler.agora.client import Client

UNRESOLVED = "secret-unresolved"

UNREACHABLE_HINT = "give the App its earlier App ID again until this session has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """How the service is reached: what the shell brings, and tests replace.

    `share` is the part of an App's rate that this run may use.
    """

    wire: Callable[[], Wire]
    budget: Budget
    clock: Clock
    rng: Random
    allowed_hosts: frozenset[str] = frozenset()
    share: float = 1.0


class Apps:
    """The Apps by name, each with its one client for each App ID that is called under it."""

    def __init__(
        self,
        definitions: Mapping[str, AppDefinition],
        vault: Vault,
        salt: bytes,
        outside: Outside,
        *,
        calls: Mapping[str, AppDefinition] | None = None,
        halt: Halt | None = None,
    ) -> None:
        """Take the Apps of the specs, or those that state kept.

        `calls` are those that may be called, where they are others (`at_known_endpoints`). `halt`
        is that of the run, where it has several of these one after the other.
        """
        self.definitions = definitions
        self.halt = halt or Halt()
        self._halts: dict[str, Halt] = {}
        self._calls = definitions if calls is None else calls
        self._vault = vault
        self._salt = salt
        self._outside = outside
        self._keys = {name: self._key(app) for name, app in definitions.items()}
        # Each pass asks for these several times, and nothing that they are made of changes.
        self._facts = {name: self._facts_of(app) for name, app in definitions.items()}
        self._clients: dict[tuple[str, str], Client | Problem] = {}
        self._blocked: dict[str, Problem] = {}
        self._wire: Wire | None = None

    def facts(self) -> Mapping[str, AppFacts]:
        """Return what planning needs to know of each App."""
        return self._facts

    def app_id(self, name: str) -> SecretValue:
        """Return an App's ID. Raises SecretError."""
        return self._vault.value(self.definitions[name].app_id)

    def open_app_id(self, name: str) -> str:
        """Return an App's ID where the specs have it in the open, else an empty text."""
        app_id = self.definitions[name].app_id
        return str(app_id.source) if app_id.form == "literal" else ""

    def unresolved(self) -> list[Problem]:
        """Return, for each App without errors that cannot be called here, why not."""
        sound = [app for _, app in sorted(self._calls.items()) if not app.error]
        return [found for app in sound if (found := self._missing(app)) is not None]

    def client(self, name: str) -> "Client | Problem":
        """Return the client of an App as it is now, or why there is none."""
        return self._client(name, self._keys.get(name, ""), "")

    def client_of(self, session: Session) -> "Client | Problem":
        """Return the client for a session: always under the App ID that started it."""
        if self._keys.get(session.app, "") == session.app_key:
            return self._client(session.app, session.app_key, "")
        if session.app in self.definitions and session.app_id:
            return self._client(session.app, session.app_key, session.app_id)
        if session.app not in self.definitions:
            return _unknown_app(session.app)
        if not self._keys[session.app]:
            return self._client(session.app, "", "")
        message = f"the App `{session.app}` has another App ID now than this session"
        return Problem("app-id-changed", message, UNREACHABLE_HINT)

    def why(self, app_key: str, failure: Failure) -> Problem:
        """Return what to say of a failed call.

        What concerns all work of an App is taken note of: its calls that wait in line are not sent.
        """
        if failure.meaning is Meaning.WITHDRAWN:
            return self._blocked.get(app_key, INTERRUPTED)
        problem = Problem(str(failure.meaning), str(failure), None)
        if failure.meaning not in APP_WIDE:
            return problem
        self._halt_of(app_key).order()
        return self._blocked.setdefault(app_key, problem)

    def blocked(self) -> Mapping[str, Problem]:
        """Return why nothing can be done for an App ID, by its key."""
        return self._blocked

    def _facts_of(self, app: AppDefinition) -> AppFacts:
        foreign = foreign_hosts(app.endpoints, self._outside.allowed_hosts)
        error, hint = app.error, ""
        if not error and foreign:
            host = foreign[0][1]
            error = f"its endpoint `{host}` is not allowed: credentials are not sent there"
            hint = f"allow it with --allow-endpoint {host}, if you trust it"
        return AppFacts(
            name=app.name,
            app_key=self._keys[app.name],
            max_recordings=app.max_recordings,
            max_web_recordings=app.max_web_recordings,
            error=error,
            error_hint=hint,
            error_reason=Reason.APP_INVALID if app.error else Reason.ENDPOINT_NOT_ALLOWED,
        )

    def _key(self, app: AppDefinition) -> str:
        if app.error:
            return ""
        try:
            return app_key_of(self._vault.value(app.app_id).reveal(), self._salt)
        except SecretError:
            return ""

    def _client(self, name: str, app_key: str, app_id: str) -> "Client | Problem":
        if name not in self._calls:
            return _unknown_app(name)
        if app_key in self._blocked:
            return self._blocked[app_key]
        if (name, app_key) not in self._clients:
            self._clients[name, app_key] = self._make(self._calls[name], app_key, app_id)
        return self._clients[name, app_key]

    def _make(self, app: AppDefinition, app_key: str, app_id: str) -> "Client | Problem":
        from reconciler.agora.client import Client

        if app.error:
            return Problem("app-invalid", f"the App `{app.name}` has errors: {app.error}", None)
        try:
            project = self._project(app, app_key, app_id)
        except (SecretError, UsageError) as problem:
            code = UNRESOLVED if isinstance(problem, SecretError) else "endpoint"
            return Problem(code, f"the App `{app.name}`: {problem}", problem.hint)
        if self._wire is None:
            self._wire = self._outside.wire()
        outside, halt = self._outside, self._halt_of(app_key)
        return Client(project, self._wire, outside.budget, outside.clock, outside.rng, halt)

    def _halt_of(self, app_key: str) -> Halt:
        """Return when to send nothing more under an App ID."""
        if app_key not in self._halts:
            self._halts[app_key] = self.halt.part()
        return self._halts[app_key]

    def _project(self, app: AppDefinition, app_key: str, app_id: str) -> Project:
        foreign = {host for _, host in foreign_hosts(app.endpoints, self._outside.allowed_hosts)}
        hosts = frozenset(host_of(endpoint) for endpoint in app.endpoints) - foreign
        return Project(
            name=app_key,
            app_id=SecretValue(app_id) if app_id else self._vault.value(app.app_id),
            customer_id=self._vault.value(app.customer_id),
            customer_secret=self._vault.value(app.customer_secret),
            endpoints=app.endpoints,
            allowed_hosts=hosts,
            limit=Limit(calls_per_s=self._rate(app_key) * self._outside.share),
        )

    def _rate(self, app_key: str) -> float:
        """Return the lowest rate of all Apps with this App ID (spec-format.md, "App")."""
        rates = [
            app.requests_per_second
            for name, app in self.definitions.items()
            if self._keys[name] == app_key
        ]
        return min(rates) if rates else Limit(calls_per_s=10).calls_per_s

    def rate(self, name: str) -> float:
        """Return how many requests a second an App allows."""
        return self._rate(self._keys.get(name, ""))

    def _missing(self, app: AppDefinition) -> Problem | None:
        """Return which of the secrets that every call needs does not resolve."""
        try:
            for secret in (app.app_id, app.customer_id, app.customer_secret):
                self._vault.value(secret)
        except SecretError as problem:
            return Problem(UNRESOLVED, f"the App `{app.name}`: {problem}", problem.hint)
        return None


def at_known_endpoints(
    definitions: Mapping[str, AppDefinition], remembered: Mapping[str, AppDefinition]
) -> dict[str, AppDefinition]:
    """Return the Apps as a plan may call them: only at endpoints that an apply has used.

    A pull request can change an App's endpoints; credentials do not go there before it is merged
    (design/cli.md, "plan").
    """
    return {
        name: replace(app, endpoints=remembered[name].endpoints)
        for name, app in definitions.items()
        if name in remembered
    }


def _unknown_app(name: str) -> Problem:
    message = f"there is no App `{name}` any more, and its sessions cannot be called"
    return Problem("app-unknown", message, "put its manifest back, or name it with --specs PATH")
