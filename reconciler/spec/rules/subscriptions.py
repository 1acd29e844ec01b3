"""Whose audio and video is recorded: the subscription lists and the group.

For each medium there may be a list of those to record, or one of those to leave out; the latter has
two spellings (K1). A medium without a list is off as soon as the other has one (K54).
"""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.spec import limits
from reconciler.spec.rules.read import (
    AUDIO_AND_VIDEO,
    AUDIO_ONLY,
    RECORDING,
    STREAMS,
    VIDEO_ONLY,
    is_uid,
    literal,
    unlike,
)
from reconciler.spec.rules.rule import CHANNEL, INDIVIDUAL, Body, Finding, error, rule, warning
from reconciler.spec.wire import Json, Mode, Path

EVERYBODY = "#allstream#"
AUDIO = ("subscribeAudioUids", "unSubscribeAudioUids", "unsubscribeAudioUids")
VIDEO = ("subscribeVideoUids", "unSubscribeVideoUids", "unsubscribeVideoUids")
LISTS = (*AUDIO, *VIDEO)
INCLUDING = frozenset({AUDIO[0], VIDEO[0]})
LIST_PATHS: tuple[Path, ...] = tuple((*RECORDING, key) for key in LISTS)
GROUP: Path = (*RECORDING, "subscribeUidGroup")

Lists = Mapping[str, Sequence[Json]]
_LIST_KEYS = frozenset(LISTS)
_NO_LISTS: Lists = {}


def subscription_lists(body: Body) -> Lists:
    """Return the lists that the body has, by key."""
    config = body.recording
    if _LIST_KEYS.isdisjoint(config):
        return _NO_LISTS
    return {key: value for key in LISTS if isinstance(value := config.get(key), list)}


@rule("C22", "list-clash", CHANNEL, LIST_PATHS, "3.13 C22; K1")
def list_clash(body: Body) -> Iterable[Finding]:
    """Refuse two lists for one medium: to record and to leave out, or in both spellings."""
    lists = subscription_lists(body)
    if len(lists) <= 1:
        return ()
    message = "cannot stand beside another list of the same medium"
    hint = "keep one: those to record, or those to leave out"
    return [
        error((*RECORDING, key), message, hint)
        for medium in (AUDIO, VIDEO)
        for key in [key for key in medium if key in lists][1:]
    ]


@rule("C24", "list-length", CHANNEL, LIST_PATHS, "3.13 C24")
def list_length(body: Body) -> Iterable[Finding]:
    """Refuse a list with more than 32 entries; warn of an empty one."""
    most = limits.SUBSCRIPTION_ENTRIES.high
    findings = []
    for key, uids in subscription_lists(body).items():
        path = (*RECORDING, key)
        if not uids:
            findings.append(warning(path, "names nobody", "name somebody, or leave the list out"))
        elif len(uids) > most:
            findings.append(error(path, f"must have at most {most} entries, this has {len(uids)}"))
    return findings


@rule("C25", "list-entry", CHANNEL, LIST_PATHS, "3.13 C25")
def list_entry(body: Body) -> Iterable[Finding]:
    """Refuse an entry that is no uid, and everybody beside others; warn of nobody."""
    return [
        finding
        for key, uids in subscription_lists(body).items()
        for index, uid in enumerate(uids)
        if (finding := _entry((*RECORDING, key, index), uid, alone=len(uids) == 1))
    ]


@rule("C26", "list-unrecorded", CHANNEL, (STREAMS, *LIST_PATHS), "3.13 C26")
def list_unrecorded(body: Body) -> Iterable[Finding]:
    """Refuse lists for a kind of stream that is not recorded."""
    recorded = body.streams
    if recorded not in (AUDIO_ONLY, VIDEO_ONLY):
        return ()
    unrecorded = VIDEO if recorded == AUDIO_ONLY else AUDIO
    message = "is for streams that are not recorded"
    hint = "record both kinds of streams, or leave the list out"
    lists = subscription_lists(body)
    return [error((*RECORDING, key), message, hint) for key in unrecorded if key in lists]


@rule("C27", "one-medium", CHANNEL, (STREAMS, *LIST_PATHS), "3.13 C27; K54")
def one_medium(body: Body) -> Iterable[Finding]:
    """Warn of lists for one medium alone: the other is not recorded then."""
    lists = subscription_lists(body)
    if not lists or body.streams != AUDIO_AND_VIDEO:
        return ()
    with_list = [medium for medium in (AUDIO, VIDEO) if lists.keys() & set(medium)]
    if len(with_list) != 1:
        return ()
    off = "video" if with_list[0] is AUDIO else "audio"
    message = f"stands alone: no {off} will be recorded"
    return (warning((*RECORDING, next(iter(lists))), message, f"give a list for {off}, too"),)


@rule("C28", "group-capacity", CHANNEL, (GROUP, *LIST_PATHS), "3.13 C28; K4, K34")
def group_capacity(body: Body) -> Iterable[Finding]:
    """Warn of more listed users than the group holds, or than the service records."""
    lists = {key: uids for key, uids in subscription_lists(body).items() if key in INCLUDING}
    if not lists:
        return ()
    users = {uid for uids in lists.values() for uid in uids if isinstance(uid, str)} - {EVERYBODY}
    findings = []
    group = body.recording.get("subscribeUidGroup")
    if body.mode is Mode.INDIVIDUAL and type(group) is int and 0 <= group < len(limits.GROUP_UIDS):
        most = limits.GROUP_UIDS[group]
        if len(users) > most:
            message = f"holds up to {most} users, {len(users)} are listed"
            findings.append(warning(GROUP, message, "take the group that holds them all"))
    if len(users) > limits.USERS_RECORDED:
        most = limits.USERS_RECORDED
        message = f"{len(users)} users are listed, the first {most} to join are recorded"
        hint = "record the others in a second recording"
        findings.append(warning((*RECORDING, next(iter(lists))), message, hint))
    return findings


@rule("C21", "group-assumed", INDIVIDUAL, (GROUP, STREAMS, *LIST_PATHS), "3.13 C21")
def group_assumed(body: Body) -> Iterable[Finding]:
    """Warn of a missing group where the lists do not say how many users there will be."""
    config = body.request.get("recordingConfig")
    if not isinstance(config, dict) or config.get("subscribeUidGroup") is not None:
        return ()
    # Where every list names users, the group is derived from them and not assumed
    # (design/spec-format.md, `subscriptions.group`).
    lists = subscription_lists(body)
    if lists and all(key in INCLUDING and EVERYBODY not in uids for key, uids in lists.items()):
        return ()
    hint = "say how many users are recorded at most: too small a group loses streams"
    return (warning(GROUP, "is not given, the largest group is assumed", hint),)


@rule("K1", "excluding-list", CHANNEL, LIST_PATHS, "11 K1")
def excluding_list(body: Body) -> Iterable[Finding]:
    """Warn of a list of those to leave out: the documents disagree on how it is spelt."""
    message = "the service's documents disagree on how this list is spelt"
    hint = "look into the first files: under the wrong spelling those left out are recorded"
    return [
        warning((*RECORDING, key), message, hint)
        for key in subscription_lists(body)
        if key not in INCLUDING
    ]


def _entry(path: Path, entry: Json, *, alone: bool) -> Finding | None:
    uid = literal(entry)
    if uid is None or is_uid(uid):
        return None
    if uid != EVERYBODY:
        wanted = f"the uid of a user, 1 to {limits.UID.high}, or `{EVERYBODY}`"
        hint = "a uid is written without leading zeros" if uid.startswith("0") else None
        return error(path, unlike(entry, wanted), hint)
    if not alone:
        return error(path, "must stand alone: it means everybody", "remove the other entries")
    if path[1] not in INCLUDING:
        return warning(path, "leaves everybody out", "name those to leave out")
    return None
