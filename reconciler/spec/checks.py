"""What a Recording's fields say about each other and about its App. Pure.

What the service says about the wire body is in `rules/`; here is what this format adds
(design/spec-format.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from reconciler.errors import SpecError
from reconciler.spec import limits
from reconciler.spec.cron import parse_cron
from reconciler.spec.duration import format_duration
from reconciler.spec.kinds.app import AppSpec
from reconciler.spec.kinds.channel import GENERATE, ChannelSpec
from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.mix import MixSpec
from reconciler.spec.kinds.modes import ModeSpec
from reconciler.spec.kinds.recording import CronWindowSpec, FixedWindowSpec
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.kinds.web import WebSpec
from reconciler.spec.mapping import FIELDS, LOCAL_PATHS, STORAGE_FIELDS
from reconciler.spec.problems import Problem, error, warning
from reconciler.spec.rtc_token import token_end_s
from reconciler.spec.schedule import parse_timezone
from reconciler.spec.secrets import Secret
from reconciler.spec.storage import storage_problems
from reconciler.spec.wire import Mode, Path

REPLICAS = limits.Limits(1, 4)
TOKEN_LIFE_S = 24 * 3600
"""The service's maximum (agora-api.md 10)."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a Recording is checked against: its App (None: unknown here) and the time.

    Of the paths in `unreadable` the spec says nothing, though the manifest does.
    """

    app: AppSpec | None
    now_s: float
    unreadable: tuple[Path, ...] = ()

    def is_lost(self, field: str) -> bool:
        """Tell whether the manifest has this field and it could not be read."""
        return any(path[:2] == ("spec", field) for path in self.unreadable)


def recording_problems(spec: ModeSpec, around: Around) -> Iterator[Problem]:
    """Return everything that this format finds wrong with one Recording."""
    yield from _common(spec, around)
    yield from _windows(spec, around)
    yield from _secrets(spec)
    yield from _ignored(spec)
    if isinstance(spec, IndividualSpec):
        yield from _post_processing(spec)
    if isinstance(spec, MixSpec):
        yield from _layout(spec)
    if isinstance(spec, ChannelSpec):
        yield from _subscriptions(spec)
        yield from _token(spec, around)


def _common(spec: ModeSpec, around: Around) -> Iterator[Problem]:
    if isinstance(spec.storage, StorageSpec):
        yield from storage_problems(spec.storage, ("spec", "storage"), around.unreadable)
    elif spec.storage is None and not (getattr(spec, "vod", None) or around.is_lost("vod")):
        hint = "name a Storage, or write one inline"
        yield error(("spec", "storage"), "missing", "`storage` is required", hint)
    if not spec.files and not (getattr(spec, "snapshots", None) or around.is_lost("snapshots")):
        message = "with no files nothing would be recorded"
        yield error(("spec", "files"), "files", message, "write [hls], or add `snapshots`")
    if spec.replicas not in REPLICAS:
        message = f"must be {REPLICAS.low} to {REPLICAS.high}, this is {spec.replicas}"
        yield error(("spec", "replicas"), "replicas", message)
    seen = {spec.uid}
    for index, uid in enumerate(spec.backup_uids):
        if uid in seen:
            path = ("spec", "backupUids", index)
            yield error(
                path, "uid-twice", f"the uid {uid} stands here twice", "each uid serves one session"
            )
        seen.add(uid)


def _windows(spec: ModeSpec, around: Around) -> Iterator[Problem]:
    if spec.schedule is not None and not spec.schedule:
        message = "a schedule without windows would never record"
        yield error(
            ("spec", "schedule"),
            "schedule",
            message,
            "leave it out to record always, or use `suspend`",
        )
    expiry_s = spec.resource_expiry or limits.RESOURCE_EXPIRY_DEFAULT_H * 3600
    for index, window in enumerate(spec.schedule or ()):
        path: Path = ("spec", "schedule", index)
        if isinstance(window, CronWindowSpec):
            length_s = window.duration
            yield from _cron_window(window, path)
        else:
            length_s = int((window.until - window.from_).total_seconds())
            if length_s <= 0:
                yield error((*path, "from"), "time", "`from` must be before `until`")
            elif window.until.timestamp() <= around.now_s:
                message = f"the window has been over since {window.until.isoformat()}"
                yield warning((*path, "until"), "window-over", message, "remove it")
        if length_s > expiry_s:
            message = (
                f"the window is longer than a session can be reached ({format_duration(expiry_s)})"
            )
            yield warning(
                path,
                "resource-expiry-run",
                message,
                "it is handed over to a new session in between",
            )


def _cron_window(window: CronWindowSpec, path: Path) -> Iterator[Problem]:
    for key, text, parse in (
        ("cron", window.cron, parse_cron),
        ("timezone", window.timezone, parse_timezone),
    ):
        try:
            parse(text)
        except SpecError as problem:
            yield error((*path, key), problem.code, str(problem), problem.hint)
    if window.duration <= 0:
        yield error((*path, "duration"), "duration", "must be longer than nothing")


def _secrets(spec: ModeSpec) -> Iterator[Problem]:
    found: list[tuple[Path, object]] = []
    if isinstance(spec.storage, StorageSpec):
        found += storage_secrets(spec.storage, ("spec", "storage"))
    if isinstance(spec, ChannelSpec):
        found.append((("spec", "token"), spec.token))
        if spec.encryption:
            found.append((("spec", "encryption", "key"), spec.encryption.key))
            found.append((("spec", "encryption", "salt"), spec.encryption.salt))
    if isinstance(spec, WebSpec):
        found += [(("spec", "web", "url"), spec.web.url), (("spec", "web", "rtmp"), spec.web.rtmp)]
    if isinstance(spec, MixSpec) and spec.vod:
        found.append((("spec", "vod", "accessKey"), spec.vod.access_key))
        found.append((("spec", "vod", "secretKey"), spec.vod.secret_key))
    yield from inline_secrets(found)


def storage_secrets(spec: StorageSpec, base: Path) -> list[tuple[Path, object]]:
    """Return the secret fields of a Storage with their paths."""
    return [
        ((*base, "accessKey"), spec.access_key),
        ((*base, "secretKey"), spec.secret_key),
        ((*base, "stsToken"), spec.sts_token),
    ]


def inline_secrets(found: list[tuple[Path, object]]) -> Iterator[Problem]:
    """Warn of each secret that stands in the spec itself."""
    for path, value in found:
        if isinstance(value, Secret) and value.form == "literal":
            message = "a secret stands in the spec, for everyone who reads the repository"
            yield warning(path, "inline-secret", message, "write {env: NAME} or {file: PATH}")


def _ignored(spec: ModeSpec) -> Iterator[Problem]:
    for index, path in enumerate(spec.policy.ignore):
        if not any(
            known == path or known.startswith((f"{path}.", f"{path}["))
            for known in _IGNORABLE[Mode(spec.mode)]
        ):
            message = f"a recording of mode {spec.mode} has no field `{path}`"
            yield error(
                ("spec", "policy", "ignore", index),
                "ignore",
                message,
                "write it as in this spec, e.g. layout.background",
            )


_IGNORABLE = {
    mode: frozenset({row.path for row in FIELDS if mode in row.modes})
    | LOCAL_PATHS
    | {f"storage.{row.path}" for row in STORAGE_FIELDS}
    | {"channel", "app", "storage.vendor", "storage.region", "prefix", "raw"}
    | ({"subscriptions.audio", "subscriptions.video"} if mode is not Mode.WEB else set())
    for mode in Mode
}


def _post_processing(spec: IndividualSpec) -> Iterator[Problem]:
    chosen = spec.post_processing
    if chosen is None:
        return
    if chosen.transcode and chosen.mix_audio:
        message = "`transcode` and `mixAudio` exclude each other"
        yield error(
            ("spec", "postProcessing", "transcode"),
            "post-processing",
            message,
            "keep one of the two",
        )
    elif not chosen.transcode and not chosen.mix_audio:
        message = "says nothing to do"
        yield error(
            ("spec", "postProcessing"),
            "post-processing",
            message,
            "write `transcode: {}` or `mixAudio: {}`",
        )


def _layout(spec: MixSpec) -> Iterator[Problem]:
    layout = spec.layout
    if layout is None:
        return
    kind = layout.type or "floating"
    if layout.regions is not None and kind != "custom":
        message = f"a {kind} layout has no regions of its own"
        yield error(
            ("spec", "layout", "regions"),
            "layout-field",
            message,
            "write `type: custom`, or leave them out",
        )
    if layout.focus_uid is not None and kind != "vertical":
        message = f"a {kind} layout has no large region"
        yield error(
            ("spec", "layout", "focusUid"),
            "layout-field",
            message,
            "write `type: vertical`, or leave it out",
        )


def _subscriptions(spec: ChannelSpec) -> Iterator[Problem]:
    chosen = spec.subscriptions
    if chosen.group is not None and isinstance(spec, MixSpec):
        path = ("spec", "subscriptions", "group")
        yield warning(
            path, "group-unused", "a group means something in individual mode only", "leave it out"
        )
    wanted = {"audio": ("audio",), "video": ("video",)}.get(spec.streams or "", ("audio", "video"))
    if all(getattr(chosen, medium) == "none" for medium in wanted):
        path = ("spec", "subscriptions", wanted[0])
        message = "with nothing subscribed nothing would be recorded"
        yield error(path, "subscribes-nothing", message, "use `suspend: true` to pause a recording")


def _token(spec: ChannelSpec, around: Around) -> Iterator[Problem]:
    token, path = spec.token, ("spec", "token")
    if token == GENERATE:
        if around.app and not around.app.certificate:
            yield error(
                path,
                "token",
                "the App has no `certificate` to make tokens with",
                "add it to the App",
            )
        return
    end_s = (
        token_end_s(str(token.source))
        if isinstance(token, Secret) and token.form == "literal"
        else None
    )
    if end_s is not None and end_s <= around.now_s:
        ended = datetime.fromtimestamp(end_s, UTC).isoformat()
        yield error(
            path,
            "token-expired",
            f"the token ended at {ended}",
            "write `token: generate`, or a new one",
        )
    elif end_s is not None and spec.schedule is None:
        ends = datetime.fromtimestamp(end_s, UTC).isoformat()
        message = f"the recording cannot go on when this token ends, {ends}"
        yield warning(path, "token-end", message, "write `token: generate`")
    if (
        token is not None
        and around.app
        and around.app.certificate
        and _runs_longer_than_a_token(spec)
    ):
        message = "a token lives 24 h at most, and this recording is to run longer"
        yield warning(
            path, "token-hand-over", message, "write `token: generate`, the App has a certificate"
        )


def _runs_longer_than_a_token(spec: ChannelSpec) -> bool:
    lengths = (
        window.duration
        if isinstance(window, CronWindowSpec)
        else (window.until - window.from_).total_seconds()
        for window in spec.schedule or ()
    )
    return spec.schedule is None or any(length > TOKEN_LIFE_S for length in lengths)


def deadlines(spec: ModeSpec, now_s: float) -> Iterator[float]:
    """Return infinity, and each later Unix time at which these checks may say something else."""
    ends = [
        window.until.timestamp()
        for window in spec.schedule or ()
        if isinstance(window, FixedWindowSpec)
    ]
    token = getattr(spec, "token", None)
    if isinstance(token, Secret) and token.form == "literal":
        ends.append(token_end_s(str(token.source)) or 0)
    yield from (end for end in ends if end > now_s)
    if isinstance(spec.storage, StorageSpec):
        yield from storage_deadlines(spec.storage, now_s)
    yield inf


def storage_deadlines(spec: StorageSpec, now_s: float) -> Iterator[float]:
    """Return infinity, and when written-down credentials have too little time left (C66)."""
    expiration = spec.sts_expiration
    if (
        expiration
        and expiration.form == "literal"
        and (end := int(str(expiration.source)) - limits.STS_MIN_AHEAD_S) > now_s
    ):
        yield end
    yield inf
