"""Failed calls as values: what an answer means to the caller, and what it may do next.

The engine acts on `Failure.meaning`; `error_table.py` gives every known answer its row. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.agora.messages import Endpoint, Silence


class Meaning(StrEnum):
    """What the caller acts on, whatever the call was."""

    NOT_STARTED = "not-started"
    """`start` certainly started nothing."""

    PERHAPS_STARTED = "perhaps-started"
    """`start` may have started a session; only its resource ID is known."""

    STARTED = "started"
    """This resource ID was started before; `Failure.sid` is its session, if the answer said."""

    CONFLICT = "conflict"
    """Another session with this channel and uid runs."""

    GOING = "going"
    """The session is ending already."""

    ENDED = "ended"
    """The session has ended, and left no files."""

    GONE_OR_MOVING = "gone-or-moving"
    """The session ended, never came up, or is being moved to another server for up to 90 s."""

    REJECTED = "rejected"
    """The request is wrong; only another spec helps."""

    QUOTA = "quota"
    """As many sessions run as the account may have."""

    CREDENTIALS = "credentials"
    """Customer ID and secret are not accepted: nothing of this App can work."""

    APP_NOT_ENABLED = "app-not-enabled"
    """The App ID is unknown or has no Cloud Recording: nothing of this App can work."""

    APP_BLOCKED = "app-blocked"
    """The account does not serve this App for now, as after an unpaid bill."""

    CLIENT_BUG = "client-bug"
    """The request should not have been made like this: the mistake is ours."""

    THROTTLED = "throttled"
    """Too many requests at once; this one was not processed."""

    BUSY = "busy"
    """The service could not do it now; the same call may be repeated."""

    UNREACHED = "unreached"
    """The request was not sent."""

    WITHDRAWN = "withdrawn"
    """The request was not sent, since nothing more was to be sent before its turn came."""

    UNKNOWN = "unknown"
    """An answer that no document knows. Never success."""


APP_WIDE = frozenset({Meaning.CREDENTIALS, Meaning.APP_NOT_ENABLED, Meaning.APP_BLOCKED})
"""What concerns all work of an App at once (design/reconcile.md, "Errors of the service")."""


class Running(StrEnum):
    """May a session be alive although the call failed? (agora-api.md 6, column "Running?")."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"
    GOING = "going"
    SAME = "same"
    """The call does not touch it: as before."""


class Again(StrEnum):
    """Who may make which call again."""

    NEVER = "never"
    SAME = "same"
    """The identical call; the client repeats it by itself, after the waits."""

    PAIR = "pair"
    """A new acquire and its start; the caller does that, after the waits."""

    LATER = "later"
    """The identical call, when the caller comes back to it after the waits."""


class Next(StrEnum):
    """What the caller does once repeating did not help, or cannot."""

    TRY_LATER = "try-later"
    """Try again with a later pass of this recording."""

    NEW_PAIR = "new-pair"
    """A new acquire and start on the same uid."""

    OTHER_UID = "other-uid"
    """Keep this session as an orphan candidate and start on another uid."""

    OTHER_REGION = "other-region"
    """Let the service use another region, if the spec allows that."""

    TAKE_SID = "take-sid"
    """Go on with the `sid` of the answer or of the journal; with neither it is an orphan."""

    SETTLE_CONFLICT = "settle-conflict"
    """Ours: next uid. Not ours: an error of this Recording."""

    SETTLE_MISSING = "settle-missing"
    """Query until it answers, or 90 s have passed (agora-api.md 7.3)."""

    CONFIRM_ENDED = "confirm-ended"
    """Query until it has ended."""

    AWAIT_UPLOAD = "await-upload"
    """Wait for the notification that the files are uploaded."""

    NOTHING = "nothing"
    """What was asked for is so."""

    FREE_SESSIONS = "free-sessions"
    """Look for sessions that nobody needs, or ask for a larger quota."""

    FIX_SPEC = "fix-spec"
    FIX_CREDENTIALS = "fix-credentials"
    FIX_ACCOUNT = "fix-account"
    REPORT_BUG = "report-bug"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Who makes which call again, and after which waits; the last wait holds for all later ones."""

    again: Again
    waits_s: tuple[float, ...] = ()


ANY_CODE = -1
"""In a Row: whatever code the answer has, or none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the error table.

    The first five fields are the key. `status` is an HTTP status, a range of them, or how the
    answer stayed out; None is any. `code` None is an answer without one. `message` is a part of
    what the answer says, in lower case. `sentence` tells the user what is wrong and what to do.
    """

    endpoints: frozenset[Endpoint]
    status: int | range | Silence | None
    code: int | None
    meaning: Meaning
    running: Running
    repeat: Repeat
    then: Next
    sentence: str
    message: str = ""

    def knows(
        self, endpoint: Endpoint, status: int | Silence, code: int | None, message: str
    ) -> bool:
        """Tell whether this row is about such an answer."""
        return (
            endpoint in self.endpoints
            and self._knows_status(status)
            and self.code in {code, ANY_CODE}
            and self.message in message.lower()
        )

    def _knows_status(self, status: int | Silence) -> bool:
        if isinstance(self.status, range):
            return not isinstance(status, Silence) and status in self.status
        if self.status is None:
            return not isinstance(status, Silence)
        return self.status == status


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that did not get the answer it is made for.

    `meaning` and `running` weigh all tries of the call: once a `start` may have taken effect, only
    its success or `started` lift that (design/reconcile.md). `row` is about the last try alone.
    `reason` are the service's own words with secrets taken out, or why no answer came. `sid` is
    there where an answer that is no success names the session.
    """

    endpoint: Endpoint
    meaning: Meaning
    running: Running
    row: Row
    host: str
    status: int | Silence
    code: int | None = None
    reason: str = ""
    sid: str | None = None
    request_id: str | None = None
    retry_after_s: float = 0

    def __str__(self) -> str:
        status = self.status if isinstance(self.status, Silence) else f"HTTP {self.status}"
        facts = [f"{self.endpoint} at {self.host}: {status}"]
        facts += [] if self.code is None else [f"code {self.code}"]
        facts += [f"`{self.reason}`"] if self.reason else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        return f"{self.row.sentence} ({', '.join(facts)})"
