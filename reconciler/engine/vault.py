"""Secrets on their way out and in: bodies with values for the service, seals for state.

Only keyed hashes ever leave this module for state (design/reconcile.md, "Secrets in state").
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.errors import SecretError
from reconciler.plan.applied import UNKNOWN_SEAL, Seal, Sealed
from reconciler.spec.resolve import Resolver
from reconciler.spec.secrets import Secret, SecretValue

KEY_ID_LENGTH = 8


class Vault:
    """Resolves secrets and seals what they yield; remembers what did not resolve."""

    def __init__(self, resolver: Resolver, key: bytes | None) -> None:
        """Make ready; without a key every seal is unknown, and no change of a secret is seen."""
        self._resolver = resolver
        self._key = key
        self.key_id = hashlib.sha256(b"id:" + key).hexdigest()[:KEY_ID_LENGTH] if key else ""
        self._seals: dict[Secret, Seal] = {}
        self._literals: dict[Seal, Secret] = {}
        self.problems: dict[Secret, SecretError] = {}

    def value(self, secret: Secret) -> SecretValue:
        """Return a secret's value. Raises SecretError."""
        return self._resolver.resolve(secret)

    def stale(self, secrets: Iterable[Secret], age_s: float) -> list[Secret]:
        """Return those of these secrets whose file or program was not asked for so long."""
        return self._resolver.stale(secrets, age_s)

    def renew(self, secret: Secret) -> bool:
        """Ask a file or program anew; return whether it yields something else. Raises SecretError.

        May run beside everything else: nothing is believed before `forget_seals`.
        """
        return self._resolver.renew(secret)

    def reread(self) -> bool:
        """Read every secret's file anew; return whether any yields something else."""
        return self._resolver.reread()

    def forget_seals(self) -> None:
        """Seal everything anew, since some secret has another value now."""
        self._seals.clear()
        self.problems.clear()

    def body(self, tree: Any) -> Any:
        """Return a body with values in place of Secrets and Sealed ones. Raises SecretError."""
        return self._resolver.body(self._opened(tree))

    def seal(self, secret: Secret) -> Seal:
        """Return the seal of a secret; the unknown one if it does not resolve here."""
        if secret not in self._seals:
            self._seals[secret] = self._seal(secret)
        return self._seals[secret]

    def seals(self, secrets: Iterable[Secret]) -> Mapping[Secret, Seal]:
        """Return the seals of these secrets."""
        return {secret: self.seal(secret) for secret in secrets}

    def seal_text(self, text: str) -> Seal:
        """Seal a text; without a key nothing can be told of it."""
        if self._key is None:
            return UNKNOWN_SEAL
        return Seal(self.key_id, SecretValue(text).fingerprint(self._key))

    def seal_raw(self, raw: Any) -> Seal | None:
        """Seal `raw` as the one secret it is; None where there is none."""
        if raw is None:
            return None
        try:
            return self.seal_text(_canonical(self.body(raw)))
        except SecretError:
            return UNKNOWN_SEAL

    def resolves(self, tree: Any) -> bool:
        """Tell whether every secret in a body has a value here."""
        try:
            self.body(tree)
        except SecretError:
            return False
        return True

    def hash_body(self, body: Any) -> str:
        """Return a keyed hash of a body with its values; without a key, of none."""
        if self._key is None:
            return ""
        return hmac.new(self._key, _canonical(body).encode(), hashlib.sha256).hexdigest()

    def _seal(self, secret: Secret) -> Seal:
        try:
            if self._resolver.leaves_out(secret):
                return self.seal_text("")
            seal = self.seal_text(self._resolver.resolve(secret).reveal())
        except SecretError as problem:
            self.problems[secret] = problem
            return UNKNOWN_SEAL
        if secret.form == "literal":
            self._literals[seal] = secret
        return seal

    def _opened(self, tree: Any) -> Any:
        """Return a body with Secrets in place of Sealed ones; a literal's text is in the specs."""
        if isinstance(tree, Mapping):
            return {key: self._opened(value) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self._opened(item) for item in tree]
        if not isinstance(tree, Sealed) or tree.secret.form != "literal":
            return tree.secret if isinstance(tree, Sealed) else tree
        if not tree.seal.mark or tree.seal not in self._literals:
            hint = "give it as {env: NAME} or {file: PATH}; what is written out is not kept"
            raise SecretError("a secret that was once written out is needed again", hint=hint)
        return self._literals[tree.seal]


def app_key_of(app_id: str, salt: bytes) -> str:
    """Return what stands for an App ID in state: the same on every machine that shares it."""
    return hmac.new(salt, app_id.encode(), hashlib.sha256).hexdigest()[:32]


def _canonical(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))
