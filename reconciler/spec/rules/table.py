"""All rules over one start, and the one function that runs them."""

from collections.abc import Iterable

from reconciler.spec.rules import (
    blocks,
    files,
    identity,
    known,
    layout,
    postprocessing,
    recording,
    storage,
    subscriptions,
    video,
    web,
)
from reconciler.spec.rules.rule import ANY, Body, Finding, Rule
from reconciler.spec.wire import Mode, Path

RULES: tuple[Rule, ...] = (
    known.wrong_value,
    known.unknown_key,
    identity.recorder_uid,
    identity.channel_name,
    identity.own_uid,
    identity.scene,
    identity.resource_expiry,
    blocks.recording_settings,
    blocks.extension_services,
    blocks.token_in_web,
    blocks.storage_settings,
    blocks.other_mode,
    recording.channel_profile,
    recording.original_audio,
    recording.encryption,
    recording.max_idle,
    subscriptions.list_clash,
    subscriptions.list_length,
    subscriptions.list_entry,
    subscriptions.list_unrecorded,
    subscriptions.one_medium,
    subscriptions.group_capacity,
    subscriptions.group_assumed,
    subscriptions.excluding_list,
    video.video_incomplete,
    video.canvas,
    video.frame_rate,
    video.bit_rate,
    layout.layout,
    layout.layout_region,
    layout.layout_focus,
    layout.color,
    layout.image,
    layout.background,
    files.file_types,
    files.files_missing,
    files.snapshots_mode,
    files.snapshot_interval,
    files.snapshot_type,
    files.snapshot_streams,
    postprocessing.post_processing,
    postprocessing.post_processing_kind,
    postprocessing.mixing,
    postprocessing.transcoding,
    postprocessing.post_processing_options,
    postprocessing.post_processing_policy,
    postprocessing.mixed_audio,
    web.web_services,
    web.web_page,
    web.web_max_duration,
    web.web_range,
    web.rtmp_address,
    web.error_policy,
    storage.storage_vendor,
    storage.storage_region,
    storage.storage_keys,
    storage.storage_prefix,
    storage.storage_extension,
    storage.temporary_keys,
    storage.storage_area,
)

_BY_MODE = {mode: tuple(rule for rule in RULES if mode in rule.modes) for mode in Mode}


_BY_VALUE = frozenset({"C5", "C24", "C25", "C37", "C39", "C40", "C41"})
"""Rules that judge each value by itself: what they say of one holds whatever else is unreadable."""


def findings(body: Body, *, unreadable: Iterable[Path] = ()) -> list[tuple[Rule, Finding]]:
    """Judge a body by every rule of its mode, in the order of the table.

    `unreadable` are the wire paths whose values could not be read and are not in the body; a rule
    that reads one of them, or something under or above it, is left out, unless it judges each value
    by itself.
    """
    rules = _BY_MODE[body.mode]
    if unread := tuple(unreadable):
        rules = tuple(rule for rule in rules if rule.id in _BY_VALUE or not _reads(rule, unread))
    return [(rule, finding) for rule in rules for finding in rule.check(body)]


def _reads(rule: Rule, unread: tuple[Path, ...]) -> bool:
    return any(_overlap(path, other) for path in rule.reads for other in unread)


def _overlap(path: Path, other: Path) -> bool:
    return all(a == b or ANY in (a, b) for a, b in zip(path, other, strict=False))
