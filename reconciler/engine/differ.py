"""What differs between sessions and the specs: digests first, the whole comparison only if needed.

Most sessions of most runs agree with what is desired, and that is seen without reading what they
were given (performance.md, "Validating, comparing, hashing").
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.engine.apps import Apps
from reconciler.engine.page import address_seal, is_paused
from reconciler.engine.site import Specs
from reconciler.engine.vault import Vault
from reconciler.errors import SecretError
from reconciler.plan.action import SECRET_SHOWN, FieldChange, Known
from reconciler.plan.applied import (
    RAW,
    Applied,
    Sealed,
    reference,
    resealed,
    seal,
    sealed_of,
    sealed_text,
    secrets_of,
    thaw,
)
from reconciler.plan.expiry import MARGIN_S_MAX
from reconciler.plan.parts import CREDENTIALS, ignoring, with_group
from reconciler.plan.recorded import Terms
from reconciler.plan.session import ASKED, Phase, Session
from reconciler.plan.world import Comparison, Wanted
from reconciler.spec.groups import Group
from reconciler.spec.mapping import Change as Effect
from reconciler.spec.rtc_token import token_end_s
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import get
from reconciler.state.store import Store

EXPIRY_MARGIN_S = 600.0
"""Credentials that end are resolved anew so long before."""

FOUND_MAX = 1_000
"""Of so many sessions it is remembered how they differ: passes ask again and again."""

_STAYING = frozenset({"defer", "forbid"})
"""Values of `policy.replace` with which a session goes on: what it can take is sent to it."""

_HELD_FORMS = frozenset({"exec", "file"})
_WRITTEN = frozenset({"literal", RAW})
_COMPARED = frozenset({Phase.RUNNING, Phase.STARTING, Phase.MISSING, Phase.ENDED, Phase.FAILED})


class Differ:
    """Compares the sessions of one run with its specs."""

    def __init__(self, specs: Specs, apps: Apps, vault: Vault, store: Store) -> None:
        self._specs = specs
        self._apps = apps.definitions
        self._facts = apps.facts()
        self._vault = vault
        self._store = store
        self._agreed: dict[tuple[str, bool], bool] = {}
        self._desired: dict[str, Applied] = {}
        self._found: dict[str, tuple[object, Comparison]] = {}
        """By session, what was found last, with all that it depends on."""

    def comparisons(self, sessions: Iterable[Session], now_s: float) -> dict[str, Comparison]:
        """Return what differs, by session id; sessions that agree are not in it."""
        doubtful = [
            (session, wanted)
            for session in sessions
            if (wanted := self._specs.wanted.get(session.recording)) is not None
            and not wanted.error
            and self._is_doubtful(session, wanted, now_s)
        ]
        texts = self._store.applied(session.id for session, _ in doubtful) if doubtful else {}
        return {
            session.id: self._compare(session, wanted, texts[session.id], now_s)
            for session, wanted in doubtful
            if session.id in texts
        }

    def desired(self, name: str) -> Applied:
        """Return what a Recording desires, sealed."""
        if name not in self._desired:
            desired = self._specs.desired(name)
            seals = self._vault.seals(secrets_of(desired))
            app_key = self._facts[desired.app].app_key
            self._desired[name] = seal(desired, app_key, seals, self._vault.seal_raw(desired.raw))
        return self._desired[name]

    def unresolved(self, name: str, *, starts: bool) -> tuple[str, ...]:
        """Return the references of a Recording that do not resolve here.

        `starts`: those too that only the start of a session needs.
        """
        needed = self._needed(name, starts=starts)
        self._vault.seals(needed)
        missing = {reference(each) for each in needed if each in self._vault.problems}
        raw = self._specs.desired(name).raw
        if raw is not None and not self._vault.resolves(raw):
            missing.add("raw")
        return tuple(sorted(missing))

    def marks(self, name: str) -> list[str]:
        """Return keyed hashes of the secrets that a session of a Recording would be started with.

        In one order; empty texts for those that are not known here, and where there is no key.
        Credentials of programs and files are others each time, and not among them.
        """
        desired = self._specs.desired(name)
        passing = _passing_credentials(desired.request)
        kept = (each for each in self._needed(name, starts=True) if each not in passing)
        raw, seals = self._vault.seal_raw(desired.raw), map(self._vault.seal, kept)
        return [each.mark for each in (*seals, *([raw] if raw else []))]

    def token_end_s(self, name: str) -> float | None:
        """Return when the token ends that a Recording gives; None: none, or it does not say."""
        token = self._specs.desired(name).request.get("token")
        if not isinstance(token, Secret):
            return None
        try:
            return token_end_s(self._vault.value(token).reveal())
        except SecretError:
            return None

    def for_session(self, session: Session, now_s: float) -> Applied:
        """Return what one session is to have once all is sent to it that it can take.

        As the specs say, but for what takes another session, what `policy.ignore` leaves alone, and
        credentials whose time to be resolved anew has not come. The service refuses an `update` of
        which a part cannot be changed (agora-api.md 4.1).
        """
        applied = self._applied(session)
        desired = self._for_session(session, applied, now_s)
        desired = ignoring(desired, applied, _kept(applied, desired))
        for group in Group:
            applied = with_group(applied, desired, group)
        return applied

    def resealed(self, session: Session, now_s: float) -> Applied | None:
        """Return what a session has, its secrets hashed anew; None where no other key did it.

        They are taken as unchanged (design/reconcile.md, "Secrets in state").
        """
        key_id = self._vault.key_id
        if not key_id or all(each.seal.key_id == key_id for each in sealed_of(session.sealed)):
            return None
        before = self._applied(session)
        after = resealed(before, self._for_session(session, before, now_s))
        return None if after == before else after

    def as_planned(self, sessions: Iterable[Session], now_s: float) -> tuple[Session, ...]:
        """Return sessions as planning is to see them.

        The end of a token is no reason to rotate where the next session would get one that ends no
        later: it would be rotated again and again, and nothing gained.
        """
        return tuple(
            replace(each, token_ends_s=None) if self._keeps_token(each, now_s) else each
            for each in sessions
        )

    def is_due(self, session: Session, terms: Terms, now_s: float) -> bool:
        """Tell whether a session has credentials whose time to be resolved anew has come."""
        if self._held(session, terms, now_s):
            return False
        return any(each.secret.form in _HELD_FORMS for each in sealed_of(session.sealed))

    def passing(self, name: str) -> tuple[Secret, ...]:
        """Return the secrets of a Recording that files and programs yield."""
        return tuple(each for each in self._needed(name, starts=True) if each.form in _HELD_FORMS)

    def forget_values(self) -> None:
        """Compare everything anew, since some secret has another value now."""
        self._agreed.clear()
        self._desired.clear()
        self._found.clear()

    def _applied(self, session: Session) -> Applied:
        return thaw(self._store.applied([session.id])[session.id])

    def _for_session(self, session: Session, applied: Applied, now_s: float) -> Applied:
        terms = self._specs.wanted[session.recording].terms
        desired = self.desired(session.recording)
        held = self._as_held(desired, applied, session, terms, now_s)
        return ignoring(held, applied, terms.policy.ignore)

    def _needed(self, name: str, *, starts: bool) -> tuple[Secret, ...]:
        desired = self._specs.desired(name)
        needed = secrets_of(desired)
        if not starts:
            return needed
        certificate = self._apps[desired.app].certificate if desired.generate_token else None
        more = (desired.request.get("token"), certificate)
        return (*needed, *(each for each in more if isinstance(each, Secret)))

    def _keeps_token(self, session: Session, now_s: float) -> bool:
        ends_s = session.token_ends_s
        if ends_s is None or session.token_salt or ends_s > now_s + 3 * MARGIN_S_MAX:
            return False
        wanted = self._specs.wanted.get(session.recording)
        if wanted is None or wanted.error:
            return False
        next_s = self.token_end_s(session.recording)
        return next_s is not None and next_s <= ends_s

    def _is_doubtful(self, session: Session, wanted: Wanted, now_s: float) -> bool:
        if session.phase not in _COMPARED or session.end_reason in ASKED:
            return False  # what follows an end that was asked for is the same whatever it was given
        if session.digest != wanted.digest or session.paused is not None or session.rtmp:
            return True
        app_key = self._facts[wanted.app].app_key if wanted.app in self._facts else ""
        if app_key and app_key != session.app_key:
            return True
        if session.phase in {Phase.ENDED, Phase.FAILED}:
            return False
        held = self._held(session, wanted.terms, now_s)
        return not (
            self._references_agree(session.sealed, held=held)
            and self._writings_agree(session, wanted.name)
        )

    def _references_agree(self, text: str, *, held: bool) -> bool:
        """Tell whether the secrets that are references have the values that a session was given."""
        if (text, held) not in self._agreed:
            known = [each for each in sealed_of(text) if each.secret.form not in _WRITTEN]
            self._agreed[text, held] = all(self._agrees(each, held=held) for each in known)
        return self._agreed[text, held]

    def _agrees(self, sealed: Sealed, *, held: bool) -> bool:
        if held and sealed.secret.form in _HELD_FORMS:
            return True
        return bool(sealed.seal.mark) and self._vault.seal(sealed.secret) == sealed.seal

    def _writings_agree(self, session: Session, name: str) -> bool:
        """Tell the same of the secrets that are written out, whose values the specs alone have."""
        before = _written(session.sealed)
        return not before or before == _written(sealed_text(self.desired(name)))

    def _held(self, session: Session, terms: Terms, now_s: float) -> bool:
        """Tell whether its credentials are not to be resolved anew yet (spec-format, `refresh`)."""
        if session.credentials_s is None:
            return False
        due_s = session.credentials_s + terms.refresh_s
        if session.credentials_end_s is not None:
            due_s = min(due_s, session.credentials_end_s - EXPIRY_MARGIN_S)
        return now_s < due_s

    def _compare(self, session: Session, wanted: Wanted, text: str, now_s: float) -> Comparison:
        held = self._held(session, wanted.terms, now_s)
        known, desired = self._found.get(session.id), self.desired(wanted.name)
        if known is None or known[0] != (wanted.name, text, held):
            found = self._compared(session, wanted, text, now_s)
            if len(self._found) >= FOUND_MAX:
                self._found.clear()
            self._found[session.id] = known = (wanted.name, text, held), found
        return _with_drift(known[1], session, desired, wanted.terms.policy.ignore)

    def _compared(self, session: Session, wanted: Wanted, text: str, now_s: float) -> Comparison:
        from reconciler.plan.compare import compare

        applied = thaw(text)
        desired = self._as_held(self.desired(wanted.name), applied, session, wanted.terms, now_s)
        derived = self._specs.desired(wanted.name).group_derived
        policy = wanted.terms.policy
        found = compare(applied, desired, group_derived=derived, ignore=policy.ignore)
        if found.replaces and (policy.protect or policy.replace in _STAYING):
            waits = [each.path for each in found.changes if each.effect is Effect.REPLACE]
            waits += _kept(applied, desired)
            rest = compare(applied, desired, group_derived=derived, ignore=(*policy.ignore, *waits))
            found = replace(found, groups=rest.groups)
        if not self._vault.key_id:  # nothing can be compared then, which is said once for all
            found = replace(found, warnings=())
        return found

    def _as_held(
        self, desired: Applied, applied: Applied, session: Session, terms: Terms, now_s: float
    ) -> Applied:
        """Return what is desired, with the credentials whose time has not come as they are."""
        if not self._held(session, terms, now_s):
            return desired
        return ignoring(desired, applied, _held_paths(desired))


_BUCKET = (("vendor",), ("region",), ("bucket",), ("extensionParams", "endpoint"))


def _kept(applied: Applied, desired: Applied) -> tuple[str, ...]:
    """Return what a session keeps that could be sent: the credentials of the bucket that it has."""
    has, wants = (each.request.get("storageConfig", {}) for each in (applied, desired))
    is_same = all(get(has, path) == get(wants, path) for path in _BUCKET)
    return () if is_same else (CREDENTIALS,)


_CREDENTIALS = ("accessKey", "secretKey", "stsToken", "stsExpiration")


def _written(text: str) -> tuple[Sealed, ...]:
    return tuple(each for each in sealed_of(text) if each.secret.form in _WRITTEN)


def _passing_credentials(request: Mapping[str, Any]) -> set[Secret]:
    storage = request.get("storageConfig", {})
    values = (storage.get(key) for key in _CREDENTIALS)
    return {each for each in values if isinstance(each, Secret) and each.form in _HELD_FORMS}


def _held_paths(desired: Applied) -> tuple[str, ...]:
    """Return the paths of the credentials that come from programs and files."""
    storage = desired.request.get("storageConfig", {})
    sealed = {key: storage.get(key) for key in _CREDENTIALS}
    return tuple(
        f"storage.{key}"
        for key, value in sealed.items()
        if isinstance(value, Sealed) and value.secret.form in _HELD_FORMS
    )


def _with_drift(
    found: Comparison, session: Session, desired: Applied, ignore: tuple[str, ...]
) -> Comparison:
    """Add what the service told that is not as it was applied."""
    drift = {
        group: change
        for group, change in _drifts(session, desired)
        if not any(f"{change.path}.".startswith(f"{path}.") for path in ignore)
    }
    if not drift:
        return found
    paths = {change.path for change in drift.values()}
    changes = tuple(each for each in found.changes if each.path not in paths)
    groups = tuple(group for group in Group if group in {*found.groups, *drift})
    return replace(found, changes=(*changes, *drift.values()), groups=groups)


def _drifts(session: Session, desired: Applied) -> Iterator[tuple[Group, FieldChange]]:
    if session.paused is not None and is_paused(desired) != session.paused:
        after = is_paused(desired)
        change = FieldChange("web.paused", session.paused, after, Effect.UPDATE, Known.OBSERVED)
        yield Group.PAUSED, change
    if session.rtmp and address_seal(desired).mark:
        shown = SECRET_SHOWN
        yield Group.RTMP, FieldChange("web.rtmp", shown, shown, Effect.UPDATE, Known.OBSERVED)
