"""The values of secrets.

The environment, files and programs, asked as late as possible and once each.

Only the shell makes a Resolver. Values stay in this process: an error names the reference, never
what it yielded (design/spec-format.md, "Values used everywhere"; design/reconcile.md, invariant 9).
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.errors import SecretError
from reconciler.spec.secrets import Secret, SecretValue

EXEC_TIMEOUT_S = 10
SECRET_BYTES_MAX = 64 * 1024
"""No key or token is longer; a reference to a huge file is a mistake."""


class Resolver:
    """Turn references into values.

    What one reference yields is remembered for this Resolver's life, so that a program that hands
    out new keys at each call is asked once and its parts fit together.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        allow_exec: bool = False,
        moment_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Make ready; `moment_s` tells when a reference is read, for `stale`."""
        self._environ = environ
        self._allow_exec = allow_exec
        self._moment_s = moment_s
        self._texts: dict[tuple[object, ...], str] = {}
        self._read_s: dict[tuple[object, ...], float] = {}
        self._files: dict[tuple[object, ...], Secret] = {}

    def resolve(self, secret: Secret) -> SecretValue:
        """Return the value. Raises SecretError where there is none."""
        place = _place(secret)
        if secret.form == "file":
            self._files[place] = secret
        if place not in self._texts:
            self._texts[place] = self._read(secret)
            self._read_s[place] = self._moment_s()
        text = self._texts[place]
        if secret.part is not None:
            text = _part(secret, text)
        return SecretValue(_unix_seconds(secret, text) if secret.reads == "time" else text)

    def stale(self, secrets: Iterable[Secret], age_s: float) -> list[Secret]:
        """Return one reference for each file or program that was not asked for so long, or ever."""
        now_s = self._moment_s()
        asked = {_place(each): each for each in secrets if each.form in {"file", "exec"}}
        return [
            secret
            for place, secret in asked.items()
            if place not in self._read_s or now_s - self._read_s[place] >= age_s
        ]

    def reread(self) -> bool:
        """Read every file anew that was ever asked for; return whether any yields something else.

        What a file yielded before stands where it yields nothing now.
        """
        return sum(map(self._is_new, self._files.values())) > 0  # every one is read

    def _is_new(self, secret: Secret) -> bool:
        try:
            return self.renew(secret)
        except SecretError:
            return False

    def renew(self, secret: Secret) -> bool:
        """Ask a file or program anew; return whether it yields something else than before.

        Raises SecretError where it yields nothing now; what it yielded before stands then.
        """
        place = _place(secret)
        self._read_s.pop(place, None)  # one that does not answer is asked again by the next
        text = self._read(secret)
        self._read_s[place] = self._moment_s()
        is_new = self._texts.get(place) != text
        self._texts[place] = text
        return is_new

    def body(self, tree: Any) -> Any:
        """Return a body with every reference replaced by its value.

        Ready to send and for nothing else. Raises SecretError. A key that a credential program
        leaves out is left out.
        """
        if isinstance(tree, Secret):
            text = self.resolve(tree).reveal()
            return int(text) if tree.reads == "time" else text
        if isinstance(tree, Mapping):
            return {
                key: self.body(value) for key, value in tree.items() if not self.leaves_out(value)
            }
        return [self.body(item) for item in tree] if isinstance(tree, list) else tree

    def leaves_out(self, value: object) -> bool:
        """Tell whether a value is a part that its credential program need not yield and does not.

        Raises SecretError where the program yields nothing at all.
        """
        if not isinstance(value, Secret) or value.part not in {"SessionToken", "Expiration"}:
            return False
        whole = Secret(value.form, value.source, value.folder)
        return value.part not in _credentials(whole, self.resolve(whole).reveal())

    def _read(self, secret: Secret) -> str:
        if secret.form == "env":
            return self._from_environment(secret)
        if secret.form == "file":
            return _from_file(secret)
        return self._from_program(secret) if secret.form == "exec" else str(secret.source)

    def _from_environment(self, secret: Secret) -> str:
        value = self._environ.get(str(secret.source))
        if not value:
            state = "empty" if value == "" else "not set"
            hint = f"set it where this runs: export {secret.source}=..."
            raise SecretError(f"the environment variable `{secret.source}` is {state}", hint=hint)
        return value

    def _from_program(self, secret: Secret) -> str:
        words = list(secret.source)
        if not self._allow_exec:
            message = f"`{words[0]}` would be run for a secret, which nobody allowed"
            raise SecretError(
                message, hint="allow programs with --allow-exec, if you trust the specs"
            )
        try:
            done = subprocess.run(  # noqa: S603  # the user allowed what the spec names
                words,
                cwd=secret.folder or None,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=EXEC_TIMEOUT_S,
                check=False,
                env=dict(self._environ),
            )
        except subprocess.TimeoutExpired:
            raise SecretError(
                f"`{words[0]}` took longer than {EXEC_TIMEOUT_S} s for a secret"
            ) from None
        except (OSError, ValueError):
            raise SecretError(
                f"`{words[0]}` cannot be run for a secret", hint="is it installed here?"
            ) from None
        if done.returncode:
            message = f"`{words[0]}` ended with exit code {done.returncode} when asked for a secret"
            raise SecretError(
                message, hint=f"run it by hand in `{secret.folder or '.'}` to see why"
            )
        return _one_value(done.stdout, words[0])


def _place(secret: Secret) -> tuple[object, ...]:
    return (secret.form, secret.source, secret.folder)


def _from_file(secret: Secret) -> str:
    path = os.path.join(secret.folder, str(secret.source))
    try:
        with Path(path).open("rb") as file:
            data = file.read(SECRET_BYTES_MAX + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "not a path"
        raise SecretError(f"the secret's file `{path}` cannot be read: {reason}") from None
    return _one_value(data, path)


def _one_value(data: bytes, where: str) -> str:
    """Return the text without one trailing newline."""
    if len(data) > SECRET_BYTES_MAX:
        raise SecretError(
            f"`{where}` yields more than {SECRET_BYTES_MAX} bytes, which is no secret"
        )
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"`{where}` yields no UTF-8 text") from None
    if not text:
        raise SecretError(f"`{where}` yields nothing")
    return text


def _part(secret: Secret, text: str) -> str:
    value = _credentials(secret, text).get(str(secret.part))
    if not isinstance(value, str) or not value:
        raise SecretError(
            f"the credentials of `{_named(secret)}` have no `{secret.part}`", hint=_SHAPE
        )
    return value


_SHAPE = "it must be JSON with AccessKeyId, SecretAccessKey, SessionToken and Expiration"


def _credentials(secret: Secret, text: str) -> dict[str, Any]:
    try:
        credentials = json.loads(text)
    except (ValueError, RecursionError):
        credentials = None
    if not isinstance(credentials, dict):
        raise SecretError(f"`{_named(secret)}` yields no credentials", hint=_SHAPE)
    return credentials


def _named(secret: Secret) -> str:
    return str(secret.source) if isinstance(secret.source, str) else secret.source[0]


def _unix_seconds(secret: Secret, text: str) -> str:
    """Return an expiration as Unix seconds, given as such or in RFC 3339."""
    if text.isdecimal():
        return text
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min  # noqa: DTZ901  # as wrong as a time without offset
    if time.tzinfo is None:
        hint = "it must be Unix seconds, or a time such as 2026-12-01T09:00:00Z"
        raise SecretError(f"the expiration of `{_named(secret)}` is no time", hint=hint)
    return str(int(time.timestamp()))
