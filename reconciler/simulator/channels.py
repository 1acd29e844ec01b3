"""Who is in a channel, and what they send. Pure.

Nobody joins or leaves by themselves. A channel that was never ordered otherwise holds one host,
and the users that its recordings ask for by name, so that recordings run.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.simulator.subscription import AUDIO, VIDEO

DEFAULT_HOST = "100"
RECORDED_USERS_MAX = 17  # agora-api.md 3.4: the first 17 to join


@dataclass(frozen=True, slots=True)
class User:
    """One user; an audience member sends nothing."""

    uid: str
    host: bool = True
    audio: bool = True
    video: bool = True

    @property
    def sends(self) -> tuple[str, ...]:
        """Return the tracks that others can receive."""
        kinds = ((AUDIO, self.audio), (VIDEO, self.video))
        return tuple(kind for kind, on in kinds if on and self.host)


@dataclass(slots=True)
class Channel:
    """The users by uid, in the order in which they joined."""

    users: dict[str, User] = field(default_factory=dict)

    def join(self, user: User) -> None:
        """Add a user, or change what a present one sends."""
        self.users[user.uid] = user

    def leave(self, uid: str) -> None:
        """Take a user away, if present."""
        self.users.pop(uid, None)

    @property
    def recorded(self) -> tuple[User, ...]:
        """Return the users that can be recorded."""
        return tuple(self.users.values())[:RECORDED_USERS_MAX]

    def is_idle(self, *, live: bool) -> bool:
        """Tell whether nobody counts: no host in a live channel, no user in a communication one."""
        return not any(user.host or not live for user in self.users.values())


def default_channel(named: Iterable[str]) -> Channel:
    """Return a channel that nobody gave orders for."""
    uids = [DEFAULT_HOST, *sorted(set(named) - {DEFAULT_HOST}, key=int)]
    return Channel({uid: User(uid) for uid in uids})
