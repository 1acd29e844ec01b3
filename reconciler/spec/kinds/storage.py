"""`Storage`: where the files go (wire: `storageConfig`, agora-api.md 3.2)."""

from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from reconciler.spec.kinds.base import Manifest, SpecModel
from reconciler.spec.marked import Cell
from reconciler.spec.secrets import Secret
from reconciler.spec.values import (
    PROGRAM_OR_FILE_SCHEMA,
    Prefix,
    Refresh,
    SecretText,
    SecretTime,
    Text,
    credentials_reference,
    refuse,
    shown,
)
from reconciler.spec.vendors import VENDORS, vendor, vendor_hint


def _vendor(value: object) -> int:
    key = int(value) if isinstance(value, Cell) and value.isdecimal() else value
    found = vendor(key) if isinstance(key, str | int) and not isinstance(key, bool) else None
    if found is None:
        refuse("vendor", f"no storage vendor is called {shown(value)}", vendor_hint(str(value)))
    return found.number


def _either_case(letter: str) -> str:
    return f"[{letter}{letter.upper()}]" if letter.isalpha() else letter.replace("-", "[-_]")


_ANY_CASE = ("".join(map(_either_case, row.name)) for row in VENDORS)
_ANY_SPELLING = f"^({'|'.join(_ANY_CASE)})$"

Vendor = Annotated[
    int,
    PlainValidator(_vendor),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [row.name for row in VENDORS]},
                {"enum": [row.number for row in VENDORS]},
                {"type": "string", "pattern": _ANY_SPELLING},
            ],
            "x-type": ", ".join(f"`{row.name}`" for row in VENDORS),
        }
    ),
]


def _region(value: object) -> str | int:
    if isinstance(value, Cell) and value.isdecimal():
        return int(value)
    if isinstance(value, str):
        return value
    if type(value) is not int or value < 0:
        refuse("region", f"must be a region's name or wire number, this is {shown(value)}")
    return value


Region = Annotated[
    str | int,
    PlainValidator(_region),
    WithJsonSchema(
        {"type": ["string", "integer"], "minimum": 0, "x-type": "region name or wire number"}
    ),
]


class StorageSpec(SpecModel):
    """A bucket at a vendor, with the keys to write there."""

    vendor: Vendor
    """The storage vendor, or its wire number."""

    region: Region | None = None
    """The vendor's region, case-insensitive, `-` and `_` alike, or its wire number.

    Required unless the vendor has none.
    """

    bucket: Text
    """The bucket."""

    access_key: SecretText | None = None
    """Access key; required unless `credentials` is given."""

    secret_key: SecretText | None = None
    """Secret key; required unless `credentials` is given."""

    sts_token: SecretText | None = None
    """Session token of temporary credentials."""

    sts_expiration: SecretTime | None = None
    """When the temporary credentials end: Unix seconds or RFC 3339."""

    credentials: (
        Annotated[
            Secret,
            PlainValidator(credentials_reference),
            WithJsonSchema(PROGRAM_OR_FILE_SCHEMA),
        ]
        | None
    ) = None
    """Instead of the four: one `{exec}` or `{file}` that yields the JSON of AWS's
    `credential_process`.
    """

    refresh: Refresh = 2700
    """`exec` and `file` keys and `credentials` are resolved anew only when this has passed, or
    before they expire; at least 5m.
    """

    prefix: Prefix = ()
    """Folders in the bucket: `directory1/directory2` or `[directory1, directory2]`."""

    sse: Literal["kms", "aes256"] | None = None
    """Server-side encryption; Amazon S3 only."""

    tag: Text | None = None
    """Object tag; Amazon S3 and Alibaba only."""

    endpoint: Text | None = None
    """Host name of the storage; required for `s3-compatible`."""


class Storage(Manifest):
    """Where recorded files go; Recordings name it."""

    kind: Literal["Storage"]
    """`Storage`."""

    spec: StorageSpec
    """The bucket."""
