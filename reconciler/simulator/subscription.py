"""Whose sound and picture a recording takes (agora-api.md 3.4, 4.1). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.simulator import tree
from reconciler.simulator.bodies import ALL, DENY_WORDS
from reconciler.simulator.rules import AUDIO_ONLY, VIDEO_ONLY
from reconciler.simulator.tree import Object

AUDIO, VIDEO = KINDS = ("audio", "video")


@dataclass(frozen=True, slots=True)
class Medium:
    """One medium: `allowed` None is everybody, an empty set nobody."""

    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()

    def takes(self, uid: str) -> bool:
        """Tell whether a user is recorded."""
        return uid not in self.denied and (self.allowed is None or uid in self.allowed)


NOBODY = Medium(frozenset())


@dataclass(frozen=True, slots=True)
class Subscription:
    """Both media."""

    audio: Medium = Medium()
    video: Medium = Medium()

    def takes(self, uid: str, kind: str) -> bool:
        """Tell whether this track of a user is recorded."""
        return (self.audio if kind == AUDIO else self.video).takes(uid)

    @property
    def named(self) -> frozenset[str]:
        """Return the users that are asked for by name."""
        return (self.audio.allowed or frozenset()) | (self.video.allowed or frozenset())


def subscription(lists: Mapping[str, Object], stream_types: int) -> Subscription:
    """Return the subscription of start or update; `lists` holds those of each medium.

    Lists for one medium switch the other off; no list at all is everybody.
    """
    media = {kind: _medium(lists[kind], kind) for kind in KINDS}
    if not any(media.values()):
        media = dict.fromkeys(KINDS, Medium())
    if stream_types == AUDIO_ONLY:
        media[VIDEO] = None
    if stream_types == VIDEO_ONLY:
        media[AUDIO] = None
    return Subscription(media[AUDIO] or NOBODY, media[VIDEO] or NOBODY)


def _medium(lists: Object, kind: str) -> Medium | None:
    name = f"{kind.capitalize()}Uids"
    allowed = tree.texts(lists, f"subscribe{name}")
    denied = [uid for word in DENY_WORDS for uid in tree.texts(lists, f"{word}{name}")]
    if not allowed and not denied:
        return None
    everybody = ALL in allowed or not allowed
    return Medium(None if everybody else frozenset(allowed), frozenset(denied))
