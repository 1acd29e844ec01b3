"""How much of its history a state keeps. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept: journal and events by age and count, ended sessions by age.

    Gaps go with their session; what Recordings were asked is kept as long as sessions are.
    """

    history_age_s: float = 90 * 86400.0
    history_rows_max: int = 200_000
    sessions_age_s: float = 90 * 86400.0
