"""What all manifest models share: frozen, exact, camelCase outside and snake_case inside."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic.alias_generators import to_camel

from reconciler.errors import SpecError
from reconciler.identity import NAME_PATTERN, check_name
from reconciler.spec.values import kind_of, quote_hint, refuse

API_VERSION = "reconciler/v1"


class SpecModel(BaseModel):
    """A mapping of a manifest. Unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
    )


def _name(value: object) -> str:
    if not isinstance(value, str):
        hint = quote_hint(value) if isinstance(value, int | float) else None
        refuse("name", f"a name is text, this is {kind_of(value)}", hint)
    try:
        return check_name(value)
    except SpecError as problem:
        refuse(problem.code, str(problem), problem.hint)


Name = Annotated[
    str,
    PlainValidator(_name),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{NAME_PATTERN}$", "maxLength": 253, "x-type": "Name"}
    ),
]


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        refuse("mapping", f"must be a mapping of text to text, this is {kind_of(value)}")
    for key, item in value.items():
        if not isinstance(item, str):
            hint = f'put it in quotes: {key}: "{item}"' if isinstance(item, int | float) else None
            refuse("text", f"the value of `{key}` must be text, this is {kind_of(item)}", hint)
    return {str(key): str(item) for key, item in value.items()}


Texts = Annotated[
    dict[str, str],
    PlainValidator(_texts),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "x-type": "mapping of text to text",
        }
    ),
]


class Metadata(SpecModel):
    """What a manifest is called."""

    name: Name
    """Unique among the manifests of its kind: lower-case letters, digits, `-`, `.`; at most 253."""

    labels: Texts = {}
    """For people and tools; local only, never sent."""

    annotations: Texts = {}
    """For people and tools; local only, never sent."""


class Manifest(SpecModel):
    """The envelope of every document; each kind's model adds its `spec`."""

    api_version: Literal["reconciler/v1"]
    """The version of this format."""

    metadata: Metadata
    """What the manifest is called."""

    @property
    def name(self) -> str:
        """Return the manifest's name."""
        return self.metadata.name


def plain(value: Any) -> Any:
    """Return a copy that shares nothing with the parsed tree, for values kept beyond it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
