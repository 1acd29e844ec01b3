"""What a load of specs is given from outside, so that everything below it is pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """The values from outside.

    `variables` by name, for `${var.NAME}`; `allowed_hosts` may receive credentials; `environ` may
    describe the App named `default`; `now_s` is Unix time; `key` makes digests that nobody else can
    compare.
    """

    variables: Mapping[str, Any]
    allowed_hosts: frozenset[str]
    environ: Mapping[str, str]
    now_s: float
    key: bytes = b""
