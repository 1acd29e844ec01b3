"""From pydantic's JSON Schema of the models to definitions for editors and CI.

A published definition says what may be *written*: `${...}` wherever a value may stand, and with
each field its meaning, wire path and change. `schema.py` puts the definitions together, the
reference reads the same models. Pure.
"""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reconciler.spec.duration import format_duration
from reconciler.spec.kinds.app import App
from reconciler.spec.kinds.channel import ChannelSpec
from reconciler.spec.kinds.manifests import Recording, RecordingSet, Template
from reconciler.spec.kinds.recording import CommonSpec
from reconciler.spec.kinds.storage import Storage
from reconciler.spec.mapping import EACH, Change
from reconciler.spec.schema_notes import Note, Notes, no_note, recording_note, storage_note

Schema: TypeAlias = dict[str, Any]

KINDS = (App, Storage, Recording, RecordingSet, Template)

BODY = "RecordingBody"
"""The definition of a RecordingSet's pattern; `schema.py` makes it."""

VARIABLE = "Variable"
PATTERN = r"\$\{"
"""What a text has in it whose value is known only once `${...}` is replaced."""

VALUES = {
    "Text": (
        "A text that is not empty. A whole number without quotes is read as its digits, "
        "`channel: 12345`; booleans, fractions, dates and nulls need quotes."
    ),
    "Secret": (
        "Where a secret is: `{env: NAME}`; `{file: PATH}`, relative to the spec file, one newline "
        "at the end dropped; or `{exec: [CMD, ARG]}`, run only with `--allow-exec`. The text "
        "itself is accepted too, with the warning `inline-secret`. It is resolved when a plan or "
        "an apply needs it, and never written to state, plans, logs or events."
    ),
    "Reference": "Where a secret is.",
    "Duration": "Whole seconds, or units in falling order: `90s`, `5m`, `1h30m`, `3d`.",
    "Uid": "A uid: a number from 1 to 4294967295, with or without quotes, no leading zeros.",
    "Name": (
        "A manifest's name: lower-case letters, digits, `-` and `.`, with a letter or digit at "
        "both ends, at most 253 characters."
    ),
    "Time": "A time with its offset (RFC 3339): `2026-12-01T09:00:00+01:00`.",
    "Folders": "Folders, outermost first: `a/b` or `[a, b]`. Each has letters and digits only.",
    VARIABLE: (
        "A text with `${...}` in it. `${var.NAME}` may stand for any value or be part of one; it "
        "comes from `--var`, `--var-file` or `RECONCILER_VAR_NAME`. In a RecordingSet's pattern "
        "`${name}` is the row's value. `$${` is a literal `${`."
    ),
}
"""The kinds of values with a name of their own, and what each is."""

CHANGES = {
    Change.UPDATE: "`update`",
    Change.LAYOUT: "`updateLayout`",
    Change.REPLACE: "replacement",
    Change.LOCAL: "none to a running session",
}

_ELSEWHERE: dict[str, tuple[Notes, str]] = {
    "StorageSpec": (storage_note, ""),
    "ExceptSpec": (recording_note, "subscriptions"),
}
"""Models that stand at several paths, and the path by which their fields are noted."""

_KEPT = frozenset(
    {"additionalProperties", "const", "enum", "format", "items", "maxLength", "maximum", "minItems"}
    | {"minLength", "minimum", "pattern", "required", "type"}
)


def model_schemas() -> dict[str, Schema]:
    """Return pydantic's schema of every model by name, each value with its `x-type`."""
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (model, "validation") for model in (*KINDS, ChannelSpec, CommonSpec)
    ]
    _, schema = models_json_schema(models, by_alias=True, ref_template="#/$defs/{model}")
    found: dict[str, Schema] = schema["$defs"]
    fields = (field for model in found.values() for field in model["properties"].values())
    for field in fields:
        # pydantic leaves out a field's description that is its model's word for word.
        if name := referred(field):
            field.setdefault("description", found[name]["description"])
    return found


class Publisher:
    """Publishes models into `definitions`, each with everything that it refers to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {VARIABLE: _variable()}
        self.models = model_schemas()

    def publish(self, name: str, notes: Notes, path: str = "") -> None:
        """Publish a model; its fields stand at `path` below a manifest's `spec`."""
        if name in self.definitions:
            return
        model = self.models[name]
        definition: Schema = {"description": one_line(model), "type": "object"}
        self.definitions[name] = definition
        above = f"{path}." if path else ""
        definition["properties"] = {
            key: self._field(field, notes, f"{above}{key}")
            for key, field in model["properties"].items()
        }
        if "required" in model:
            definition["required"] = list(model["required"])
        definition["additionalProperties"] = False

    def _field(self, field: Schema, notes: Notes, path: str) -> Schema:
        note = notes(path)
        value = self._value(field, notes, path)
        if note.bounds:
            for form in alternatives(value):
                if form.get("type") == "integer":
                    form |= {"minimum": note.bounds.low, "maximum": note.bounds.high}
        default = written_default(field)
        said = {"description": f"{one_line(field)} {facts(note)}"}
        return said | ({} if default is None else {"default": default}) | value

    def _value(self, value: Schema, notes: Notes, path: str) -> Schema:
        """Return what may be written for a value: one of its forms, or a text with `${`."""
        forms = self._forms(value, notes, path)
        if not any(map(_takes_variables, forms)):
            forms.append(reference(VARIABLE))
        return either(forms)

    def _forms(self, value: Schema, notes: Notes, path: str) -> list[Schema]:
        name = value.get("x-type", "")
        if name in VALUES:
            self._share(name, value)
        if name in VALUES or name == BODY:
            return [reference(name)]
        if "$ref" in value:
            name = referred(value)
            self.publish(name, *_ELSEWHERE.get(name, (notes, path)))
            return [reference(name)]
        members = alternatives(value)
        if members != [value]:
            return [form for member in members for form in self._forms(member, notes, path)]
        form = {key: part for key, part in value.items() if key in _KEPT}
        for key, below in (("items", EACH), ("additionalProperties", "")):
            if isinstance(form.get(key), dict):
                form[key] = self._value(form[key], notes, f"{path}{below}")
        if "properties" in value:
            form["properties"] = {
                key: {"description": one_line(part)} | self._value(part, notes, path)
                for key, part in value["properties"].items()
            }
        return [form]

    def _share(self, name: str, value: Schema) -> None:
        if name not in self.definitions:
            shape = {key: part for key, part in value.items() if key not in _OF_FIELDS}
            self.definitions[name] = {"description": VALUES[name]}
            self.definitions[name] |= self._value(shape, no_note, "")


_OF_FIELDS = frozenset({"x-type", "title", "description", "default"})


def _variable() -> Schema:
    # The pattern stands apart from the type, so that of the reasons why a text is refused, that it
    # is no variable does not seem the closest.
    said = VALUES[VARIABLE]
    return {"description": said, "type": "string", "allOf": [{"pattern": PATTERN}]}


def reference(name: str) -> Schema:
    """Refer to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def referred(value: Schema) -> str:
    """Return the name of the definition that a value refers to, empty for any other value."""
    return str(value.get("$ref", "")).rpartition("/")[2]


def alternatives(value: Schema) -> list[Schema]:
    """Return the forms of a value; one that has no several is its own."""
    forms: list[Schema] = value.get("anyOf") or value.get("oneOf") or [value]
    return forms


def either(forms: list[Schema]) -> Schema:
    """Return a value that has one of these forms."""
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def one_line(described: Schema) -> str:
    """Return a description without line breaks."""
    return " ".join(described["description"].split())


def written_default(field: Schema) -> str | int | bool | list[str] | None:
    """Return a field's default as a spec writes it, None where there is none to write."""
    default: str | int | bool | list[str] | dict[str, object] | None = field.get("default")
    if isinstance(default, dict) or default == []:
        return None
    if isinstance(default, int) and field.get("x-type") == "Duration":
        return format_duration(default)
    return default


def _takes_variables(form: Schema) -> bool:
    if "$ref" in form:
        return referred(form) in VALUES
    is_text = "string" in form.get("type", ()) and not {"const", "enum"} & form.keys()
    return is_text and not {"pattern", "format"} & form.keys()


def facts(note: Note) -> str:
    """Return what a note says, in sentences."""
    places = ", ".join(f"`{place}`" for place in note.wire)
    known = [
        (note.limits, f"Range: {note.limits}."),
        (note.default, f"The service's default: `{note.default}`."),
        (not places, "Local: not sent."),
        (places, f"Wire: {places}."),
        (places and note.modes, f"Modes: {', '.join(note.modes)}."),
        (
            places and note.changes,
            f"Change: {' or '.join(CHANGES[change] for change in note.changes)}.",
        ),
    ]
    return " ".join(text for is_so, text in known if is_so)
