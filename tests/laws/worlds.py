"""Random sound Recordings, as people would write them, for what holds for all of them."""

from typing import Any

from hypothesis import strategies as st

Spec = dict[str, Any]

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,8}[a-z0-9])?", fullmatch=True)
CHANNELS = st.text("abcXYZ019 !#$%&()+-:;<=.>?@[]^_{}|~,", min_size=1, max_size=12)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)
LABELS = st.dictionaries(NAMES, TEXTS, max_size=2)
WORDS = st.from_regex(r"[A-Za-z0-9]{1,6}", fullmatch=True)
NUMBERED = st.integers(min_value=1, max_value=60).map(str)
LISTED = st.lists(NUMBERED, min_size=1, max_size=5, unique=True)
SECRETS = st.one_of(
    st.builds(lambda name: {"env": name}, WORDS),
    st.builds(lambda name: {"file": name}, WORDS),
    st.builds(lambda words: {"exec": words}, st.lists(WORDS, min_size=1, max_size=3)),
)
LITERALS = st.one_of(SECRETS, WORDS)
IMAGES = st.builds("https://example.com/{}.jpg".format, WORDS)
FITS = st.sampled_from(["crop", "contain"])
COLOURS = st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)
TIMES = st.sampled_from(["2031-05-01T09:00:00+02:00", "2032-01-01T00:00:00Z"])


def optional(**fields: Any) -> st.SearchStrategy[Spec]:
    """Return mappings with any of the given fields."""
    return st.fixed_dictionaries({}, optional=fields)


def whole(unit: str, low: int, high: int) -> st.SearchStrategy[str]:
    """Return durations in whole units."""
    return st.integers(low, high).map(lambda number: f"{number}{unit}")


STORAGES = st.builds(
    lambda base, more: base | more,
    st.fixed_dictionaries(
        {
            "vendor": st.just("aws"),
            "region": st.sampled_from(["us-east-1", "EU_WEST_1", 8]),
            "bucket": WORDS,
            "accessKey": LITERALS,
            "secretKey": LITERALS,
        }
    ),
    optional(
        prefix=st.lists(WORDS, min_size=1, max_size=3),
        sse=st.sampled_from(["kms", "aes256"]),
        tag=TEXTS,
        refresh=whole("m", 5, 90),
    ),
)
POLICIES = optional(
    restart=st.sampled_from(["always", "on-failure", "never"]),
    replace=st.sampled_from(["start-first", "stop-first", "defer", "forbid"]),
    stop=st.sampled_from(["async", "sync"]),
    protect=st.booleans(),
    onRemoval=st.sampled_from(["stop", "leave"]),
    manage=st.sampled_from(["full", "observe"]),
    ignore=st.lists(st.sampled_from(["storage", "files"]), max_size=2, unique=True),
)
WINDOWS = st.one_of(
    st.fixed_dictionaries(
        {
            "cron": st.sampled_from(["0 9 * * mon-fri", "*/30 1-5 1 1,6 *"]),
            "duration": whole("m", 1, 90),
            "timezone": st.sampled_from(["Europe/Berlin", "UTC"]),
        }
    ),
    st.just({"from": "2031-01-01T00:00:00Z", "until": "2031-01-02T00:00:00+01:00"}),
)
COMMON = {
    "uid": st.integers(1000, 1999).map(str),
    "backupUids": st.lists(st.integers(2000, 2999).map(str), max_size=2, unique=True),
    "prefix": st.lists(WORDS, min_size=1, max_size=2),
    "resourceExpiry": whole("h", 1, 720),
    "raw": st.dictionaries(WORDS, st.one_of(WORDS, st.integers(), SECRETS), min_size=1, max_size=2),
    "replicas": st.integers(1, 4),
    "suspend": st.one_of(st.booleans(), optional(reason=TEXTS, until=TIMES)),
    "schedule": st.lists(WINDOWS, min_size=1, max_size=2),
    "policy": POLICIES,
}
SELECTIONS = st.one_of(st.just("all"), LISTED, st.builds(lambda uids: {"except": uids}, LISTED))
CHANNEL = COMMON | {
    "token": st.one_of(st.just("generate"), SECRETS),
    "channelProfile": st.sampled_from(["communication", "live"]),
    "videoStream": st.sampled_from(["high", "low"]),
    "maxIdle": st.one_of(whole("m", 5, 60), st.integers(300, 600)),
    "encryption": st.fixed_dictionaries(
        {"mode": st.sampled_from(["aes-128-xts", "aes-256-gcm"]), "key": LITERALS}
    ),
    "subscriptions": optional(audio=SELECTIONS, video=SELECTIONS),
}
FRACTIONS = st.integers(0, 500_000).map(lambda number: number / 1_000_000)
REGIONS = st.builds(
    lambda base, more: base | more,
    st.fixed_dictionaries(dict.fromkeys(("x", "y", "width", "height"), FRACTIONS)),
    optional(uid=NUMBERED, alpha=FRACTIONS, fit=FITS),
)
BACKGROUNDS = optional(
    color=COLOURS,
    image=IMAGES,
    userImage=IMAGES,
    users=st.lists(
        st.builds(
            lambda base, more: base | more,
            st.fixed_dictionaries({"uid": NUMBERED, "image": IMAGES}),
            optional(fit=FITS),
        ),
        min_size=1,
        max_size=2,
    ),
)
LAYOUTS = st.one_of(
    optional(type=st.sampled_from(["floating", "best-fit"]), background=BACKGROUNDS),
    st.fixed_dictionaries({"type": st.just("vertical"), "focusUid": NUMBERED}),
    st.builds(
        lambda regions, background: {"type": "custom", "regions": regions} | background,
        st.lists(REGIONS, min_size=1, max_size=3),
        optional(background=BACKGROUNDS),
    ),
)
MIXES = optional(
    **CHANNEL,
    audioProfile=st.integers(0, 2),
    streams=st.just("audio-video"),
    video=optional(
        width=st.integers(16, 1280),
        height=st.integers(16, 720),
        fps=st.sampled_from([1, 15, 30]),
        bitrate=st.integers(1, 6500),
    ),
    layout=LAYOUTS,
)
INDIVIDUALS = optional(
    **CHANNEL,
    streamMode=st.sampled_from(["default", "standard"]),
    snapshots=optional(interval=whole("s", 5, 100)),
    postProcessing=st.builds(lambda inner: {"transcode": inner}, optional(format=st.just("mp4"))),
)
WEBS = st.builds(
    lambda common, page: common | {"web": page},
    optional(**COMMON),
    st.builds(
        lambda base, more: base | more,
        st.fixed_dictionaries(
            {
                "url": st.one_of(st.builds("https://example.com/{}".format, WORDS), SECRETS),
                "maxDuration": whole("h", 1, 72),
            }
        ),
        optional(
            width=st.integers(480, 1280),
            height=st.integers(480, 720),
            fps=st.integers(5, 60),
            bitrate=st.integers(50, 8000),
            audioProfile=st.integers(0, 2),
            mobile=st.booleans(),
            fileDuration=whole("m", 30, 240),
            readyTimeout=whole("s", 0, 60),
            paused=st.booleans(),
            rtmp=SECRETS,
        ),
    ),
)
MODES = {"individual": INDIVIDUALS, "mix": MIXES, "web": WEBS}


@st.composite
def recordings(draw: st.DrawFn) -> Spec:
    """Return one sound Recording manifest with its storage inline."""
    mode = draw(st.sampled_from(sorted(MODES)))
    channel = draw(CHANNELS).replace("${", "$")
    spec = {"mode": mode, "channel": channel, "storage": draw(STORAGES)} | draw(MODES[mode])
    if "snapshots" in spec:  # they want a list of whose video, where there is one for audio (C46)
        spec.pop("subscriptions", None)
    metadata = {"name": draw(NAMES), "labels": draw(LABELS), "annotations": draw(LABELS)}
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Recording",
        "metadata": metadata,
        "spec": spec,
    }
