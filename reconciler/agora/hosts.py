"""The order in which an App's base URLs are tried (agora-api.md 1.2). Pure: it is told the time."""

from collections.abc import Sequence

DOWN_S = 30.0
"""A host that was not reached is tried last for so long, as in the official clients."""


class Hosts:
    """Which hosts of one App are down.

    When a host's time is over, one call tries it again while the others still go elsewhere.
    """

    def __init__(self, endpoints: Sequence[str]) -> None:
        self._endpoints = tuple(endpoints)
        self._down_until_s: dict[str, float] = {}

    def in_order(self, now_s: float, first: str | None = None) -> tuple[str, ...]:
        """Return the hosts to try, those that are up before those that are down.

        `first` is the host that a session lives on, which need not be one of the App's any more.
        """
        hosts = tuple(dict.fromkeys((first, *self._endpoints) if first else self._endpoints))
        order = tuple(sorted(hosts, key=lambda host: self._down_until_s.get(host, now_s) > now_s))
        if order[0] in self._down_until_s:
            self._down_until_s[order[0]] = now_s + DOWN_S
        return order

    def answered(self, host: str) -> None:
        """Take note that a host is up."""
        self._down_until_s.pop(host, None)

    def not_reached(self, host: str, now_s: float) -> None:
        """Take note that a host is down."""
        self._down_until_s[host] = now_s + DOWN_S
