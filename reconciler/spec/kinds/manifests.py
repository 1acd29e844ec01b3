"""`Recording`, `RecordingSet`, `Template`.

The manifests around a recording's spec (design/spec-format.md).
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from reconciler.spec.kinds.base import Manifest, SpecModel
from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.mix import MixSpec
from reconciler.spec.kinds.web import WebSpec
from reconciler.spec.values import kind_of, refuse

RecordingSpec = Annotated[IndividualSpec | MixSpec | WebSpec, Field(discriminator="mode")]


class Recording(Manifest):
    """One desired recording."""

    kind: Literal["Recording"]
    """`Recording`."""

    spec: RecordingSpec
    """What to record, and how."""


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse("mapping", f"must be a mapping, this is {kind_of(value)}")
    return value


Partial = Annotated[
    dict[str, Any],
    PlainValidator(_mapping),
    WithJsonSchema({"type": "object", "x-type": "PartialRecordingSpec"}),
]


class Template(Manifest):
    """A partial Recording spec that Recordings name and are merged over."""

    kind: Literal["Template"]
    """`Template`."""

    spec: Partial
    """Any part of a Recording spec."""


class ListGenerator(SpecModel):
    """Rows written here."""

    rows: tuple[
        Annotated[dict[str, Any], PlainValidator(_mapping), WithJsonSchema({"type": "object"})], ...
    ] = Field(alias="list")
    """One mapping of variables for each Recording."""


def _lists(value: object) -> dict[str, list[Any]]:
    for name, items in _mapping(value).items():
        if not isinstance(items, list):
            refuse("matrix", f"`{name}` must be a list of values, this is {kind_of(items)}")
    return _mapping(value)


class MatrixGenerator(SpecModel):
    """All combinations of some lists."""

    matrix: Annotated[
        dict[str, list[Any]],
        PlainValidator(_lists),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": "array"}}),
    ]
    """A list of values for each variable; the first varies slowest."""


class FileGenerator(SpecModel):
    """Rows of a file."""

    file: str
    """A `.csv`, `.json` or `.yaml` file beside the spec."""


def _generator_form(value: Any) -> str:
    keys = value.keys() if isinstance(value, dict) else ()
    return next((f"={form}" for form in ("matrix", "file") if form in keys), "=list")


Generator = Annotated[
    Annotated[ListGenerator, Tag("=list")]
    | Annotated[MatrixGenerator, Tag("=matrix")]
    | Annotated[FileGenerator, Tag("=file")],
    Discriminator(_generator_form),
]


class RecordingSetSpec(SpecModel):
    """Rows, and the Recording that each of them makes."""

    generators: tuple[Generator, ...] = Field(min_length=1)
    """Where the rows come from; several are read one after the other."""

    recording: Annotated[
        dict[str, Any],
        PlainValidator(_mapping),
        WithJsonSchema({"type": "object", "x-type": "RecordingBody"}),
    ]
    """`metadata` and `spec` of a Recording.

    `${name}` is replaced by the row's value, in keys and values.
    """


class RecordingSet(Manifest):
    """Many Recordings from one pattern."""

    kind: Literal["RecordingSet"]
    """`RecordingSet`."""

    spec: RecordingSetSpec
    """Rows, and the Recording that each of them makes."""
