"""What the two modes that join a channel share.

Token, streams, subscriptions, encryption (agora-api.md 3.4).
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from reconciler.spec.kinds.base import SpecModel
from reconciler.spec.kinds.recording import CommonSpec
from reconciler.spec.secrets import Secret
from reconciler.spec.values import (
    SECRET_SCHEMA,
    Duration,
    SecretText,
    Uid,
    read_secret,
    refuse,
    shown,
)
from reconciler.spec.words import GROUPS

GENERATE = "generate"


def _token(value: object) -> Secret | str:
    return GENERATE if value == GENERATE else read_secret(value)


Token = Annotated[
    Secret | Literal["generate"],
    PlainValidator(_token),
    WithJsonSchema(
        {
            "anyOf": [{"const": GENERATE}, SECRET_SCHEMA],
        }
    ),
]


def _group(value: object) -> int:
    text = str(value) if type(value) is int or isinstance(value, str) else ""
    if text in GROUPS:
        return GROUPS[text]
    if not text.isdecimal() or int(text) not in GROUPS.values():
        refuse("group", f"must be 0 to 5 or one of {', '.join(GROUPS)}, this is {shown(value)}")
    return int(text)


Group = Annotated[
    int,
    PlainValidator(_group),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 5},
                {"enum": list(GROUPS)},
                {"type": "string", "pattern": "^0*[0-5]$"},
            ],
            "x-type": "0..5 or a range",
        }
    ),
]


class ExceptSpec(SpecModel):
    """Everybody but these."""

    except_: tuple[Uid, ...] = Field(alias="except", min_length=1)
    """The uids that are not recorded."""


def _selection_form(value: Any) -> str:
    if isinstance(value, dict | ExceptSpec):
        return "=except"
    return "=uids" if isinstance(value, list | tuple) else "=word"


Selection = Annotated[
    Annotated[Literal["all", "none"], Tag("=word")]
    | Annotated[tuple[Uid, ...], Field(min_length=1), Tag("=uids")]
    | Annotated[ExceptSpec, Tag("=except")],
    Discriminator(_selection_form),
]


class SubscriptionsSpec(SpecModel):
    """Whose audio and video is recorded."""

    audio: Selection = "all"
    """Whose audio: that of all, of none, of these uids, or of all but these."""

    video: Selection = "all"
    """Whose video: that of all, of none, of these uids, or of all but these."""

    group: Group | None = None
    """How many distinct uids are expected at most, for individual mode: 0..5, or `1-2` `3-7` `8-12`
    `13-17` `18-32` `33-49`. If unsaid, the smallest that holds all listed uids; else 5.
    """


class EncryptionSpec(SpecModel):
    """How the channel is encrypted; the same as its clients use."""

    mode: Literal[
        "aes-128-xts",
        "aes-128-ecb",
        "aes-256-xts",
        "sm4-128-ecb",
        "aes-128-gcm",
        "aes-256-gcm",
        "aes-128-gcm2",
        "aes-256-gcm2",
    ]
    """The cipher."""

    key: SecretText | None = None
    """The encryption key."""

    salt: SecretText | None = None
    """Base64 of 32 bytes; for the gcm2 modes."""


class ChannelSpec(CommonSpec):
    """A recording that joins a channel as a recorder."""

    token: Token | None = None
    """RTC token, resolved once a session.

    `generate` makes one from the App certificate, valid for 24 h.
    """

    channel_profile: Literal["communication", "live"] | None = None
    """The profile of the channel's clients; it decides what idle is.

    Say it: unsaid it is a warning.
    """

    streams: Literal["audio-video", "audio", "video"] | None = None
    """What is recorded."""

    video_stream: Literal["high", "low"] | None = None
    """Which of the two video streams of each user."""

    max_idle: Duration = 300
    """How long the channel may be empty before the session ends; always sent."""

    encryption: EncryptionSpec | None = None
    """For encrypted channels."""

    subscriptions: SubscriptionsSpec = SubscriptionsSpec()
    """Whose audio and video is recorded."""
