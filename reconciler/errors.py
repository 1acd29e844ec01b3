"""Every exception that this program raises on purpose, cut by what the caller does next.

    ReconcilerError
    ├── UsageError          the command line or a setting is wrong: say it, exit 1
    ├── SecretError         a secret does not resolve: the action that needs it fails, others go on
    ├── RefusedError        a safety rule stands against it: nothing was done, exit 3
    ├── StateError          state cannot be read or written: nothing that changes anything follows
    │   └── LockLostError   the lock went with its connection: leave it, then hold and read anew
    ├── LockedError         another run holds the scope: exit 4
    └── SpecError           a value of a spec is wrong: becomes a Diagnostic, stays in `spec`

Problems that a user can mend are values (`diagnostics.Diagnostic`); these exceptions are for the
shell. A message never contains a secret.
"""


class ReconcilerError(Exception):
    """Root of the tree; `str()` is one sentence for a person, `hint` what to do about it.

    `exit_code` is what a command ends with that lets it pass (design/cli.md, "Exit codes").
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReconcilerError):
    """Refuse the command as given: an option, argument or environment variable is wrong."""


class RefusedError(ReconcilerError):
    """Refuse to act, as a safety rule says; `hint` names the flag that lifts it."""

    exit_code = 3


class StateError(ReconcilerError):
    """Report that state cannot be read or written: nothing that changes anything may follow."""


class LockLostError(StateError):
    """Report that the connection that held a lock is gone: nothing more is read or written.

    That lasts until the lock's block is left. Then the store connects anew, and can lock again.
    """


class LockedError(ReconcilerError):
    """Report that another run holds the scope."""

    exit_code = 4


class SecretError(ReconcilerError):
    """Report that a secret reference has no value here; names the reference, never the value.

    `code` is that of the action that fails for it: `token-expired` where the value is of no use.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, code: str = "secret-unresolved"
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class SpecError(ReconcilerError):
    """Refuse one value of a spec; the caller knows its place and makes a Diagnostic of it."""

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
