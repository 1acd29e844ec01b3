"""What a simulator is told: once when it starts (Settings), and while it runs (Tuning). Pure."""

from dataclasses import dataclass, field

from reconciler.simulator import tree
from reconciler.simulator.shape import UnknownKeys
from reconciler.simulator.tree import Object

DEFAULT_APP_ID = "0123456789abcdef0123456789abcdef"  # design/cli.md, "simulator"
DEFAULT_CUSTOMER = "simulator"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What control requests may change (`/_sim/tuning`)."""

    qps: int = 10
    """Calls of one App ID in any second; more are answered 429."""
    recordings_max: int = 50
    """Individual and composite recordings of one App ID at once; more are 406."""
    web_recordings_max: int = 200
    """Web page recordings of one App ID at once; more are 406."""
    start_delay_s: float = 2.0
    """From the answer of start to status 5, if there is something to record."""
    upload_s: float = 1.0
    """From the end of a recording until its files are uploaded."""
    linger_s: float = 1.0
    """How long status 8 or 20 is seen before the answer is 404."""
    unknown_keys: UnknownKeys = UnknownKeys.REFUSE
    """What is done with a misspelt key of a known block (the documents allow both)."""
    slice_time_unit: str = "s"
    """`s` or `ms`: sliceStartTime in the file lists of query and stop (the documents differ)."""
    web_file_key: str = "filename"
    """`filename` or `fileName`: the key in a web recording's file list (the documents differ)."""
    playload: bool = False
    """Spell `payload` in answers of stop as the reference's schema does."""
    sub_services: bool = False
    """Show subServiceStatus in answers of query, as the older reference does."""
    long_not_found: bool = False
    """Answer 404 in the long form that was seen in the field."""

    def changed(self, given: Object) -> "Tuning":
        """Return this with what is given; it has the shape that `control` has checked."""
        return Tuning(
            qps=tree.whole(given, "qps", self.qps),
            recordings_max=tree.whole(given, "recordings_max", self.recordings_max),
            web_recordings_max=tree.whole(given, "web_recordings_max", self.web_recordings_max),
            start_delay_s=tree.number(given, "start_delay_s", self.start_delay_s),
            upload_s=tree.number(given, "upload_s", self.upload_s),
            linger_s=tree.number(given, "linger_s", self.linger_s),
            unknown_keys=UnknownKeys(tree.text(given, "unknown_keys", self.unknown_keys)),
            slice_time_unit=tree.text(given, "slice_time_unit", self.slice_time_unit),
            web_file_key=tree.text(given, "web_file_key", self.web_file_key),
            playload=tree.flag(given, "playload", default=self.playload),
            sub_services=tree.flag(given, "sub_services", default=self.sub_services),
            long_not_found=tree.flag(given, "long_not_found", default=self.long_not_found),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Who may call, and how everything begins."""

    app_ids: tuple[str, ...] = (DEFAULT_APP_ID,)
    customer_id: str = DEFAULT_CUSTOMER
    customer_secret: str = field(default=DEFAULT_CUSTOMER, repr=False)
    certificate: str | None = field(default=None, repr=False)
    """The App Certificate; with one, the tokens of starts are checked."""
    seed: int = 0
    notify_url: str | None = None
    notify_secret: str = field(default="", repr=False)
    tuning: Tuning = field(default_factory=Tuning)
