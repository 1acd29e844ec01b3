"""The history of what Recordings were asked: whoever changes that writes it down with this."""

from reconciler.plan.recorded import Recorded
from reconciler.state.store import Asked


def asked_change(recorded: Recorded, now_s: float) -> Asked:
    """Return what a Recording is asked from now on; state passes over what changes nothing."""
    terms = "" if recorded.removed_s is not None else recorded.terms
    return Asked(recording=recorded.name, since_s=now_s, terms=terms, override=recorded.override)


def gone_change(name: str, now_s: float) -> Asked:
    """Return that a Recording is asked nothing any more."""
    return Asked(recording=name, since_s=now_s, terms="")
