"""Resource IDs: opaque outside, and inside all that acquire promised. Pure.

An ID is a signed note of what was asked for, so that every ID is known again as long as the seed
is the same, and nothing is kept for those that nobody uses.
"""

import base64
import binascii
import hmac
from dataclasses import asdict, dataclass
from random import Random

from reconciler.simulator import tree
from reconciler.simulator.chance import hex_digits

LIFE_S = 300.0  # agora-api.md 2.3
NONCE_DIGITS = 64  # makes an ID at least as long as those in the documents (1.5)
MAC_BYTES = 16


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What there is one running task of at most (agora-api.md 7.5)."""

    app_id: str
    cname: str
    uid: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a resource ID allows: one start of this identity, soon."""

    app_id: str
    cname: str
    uid: str
    scene: int
    issued_s: float
    reachable_hours: int
    parameter: str
    """Fingerprint of acquire's startParameter, empty if there was none."""

    @property
    def identity(self) -> Identity:
        """Return whose resource ID it is."""
        return Identity(self.app_id, self.cname, self.uid)


def issue(grant: Grant, key: bytes, source: Random) -> str:
    """Return a new resource ID."""
    note = tree.encode({**asdict(grant), "nonce": hex_digits(source, NONCE_DIGITS)})
    return base64.urlsafe_b64encode(_mac(key, note) + note).decode().rstrip("=")


def read(resource_id: str, key: bytes) -> Grant | None:
    """Return what a resource ID allows, or None if it is none of ours."""
    try:
        bare = resource_id.encode("ascii")
        sealed = base64.b64decode(bare + b"=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    mac, note = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, note)):
        return None
    said = tree.child(tree.decode(note))
    return Grant(
        app_id=tree.text(said, "app_id"),
        cname=tree.text(said, "cname"),
        uid=tree.text(said, "uid"),
        scene=tree.whole(said, "scene"),
        issued_s=tree.number(said, "issued_s"),
        reachable_hours=tree.whole(said, "reachable_hours"),
        parameter=tree.text(said, "parameter"),
    )


def _mac(key: bytes, note: bytes) -> bytes:
    return hmac.digest(key, note, "sha256")[:MAC_BYTES]
