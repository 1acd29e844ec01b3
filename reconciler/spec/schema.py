"""The JSON Schema of the spec format, one for all kinds: for editors and for CI.

Made from the models and the mapping table. It judges one manifest by itself, and what `validate`
accepts it accepts too. It is wider on purpose: a text with `${` may stand for any value, null for
any key of a Template or beside one, and a pattern with `${` in a key is not looked into; some texts
are judged by their look (a uid, a time, whole hours). What fields say about each other, about
other manifests and to the service is for `validate` alone. Only with a Template is it
stricter: what not every mode would refuse, `validate` leaves to the Recordings that use it. Pure.
"""

from collections.abc import Iterable, Mapping

from reconciler.spec.build import COMPOSITE
from reconciler.spec.kinds.base import API_VERSION
from reconciler.spec.schema_models import (
    BODY,
    KINDS,
    PATTERN,
    VARIABLE,
    Publisher,
    Schema,
    alternatives,
    either,
    facts,
    one_line,
    reference,
    referred,
)
from reconciler.spec.schema_notes import Notes, app_note, no_note, recording_note, storage_note
from reconciler.spec.templates import WHOLE
from reconciler.spec.wire import Mode

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECORDING = "RecordingSpec"
PARTIAL = "PartialRecordingSpec"
PLAIN = "PlainKeys"

_NOTES: Mapping[str, Notes] = {
    "Metadata": no_note,
    "AppSpec": app_note,
    "StorageSpec": storage_note,
    "IndividualSpec": recording_note,
    "MixSpec": recording_note,
    "WebSpec": recording_note,
    "RecordingSetSpec": no_note,
}
_SPECS = {
    "App": "AppSpec",
    "Storage": "StorageSpec",
    "Recording": RECORDING,
    "RecordingSet": "RecordingSetSpec",
    "Template": PARTIAL,
}
_WORDS: Mapping[str, list[str]] = {
    "IndividualSpec": [str(Mode.INDIVIDUAL)],
    "MixSpec": [str(Mode.MIX), COMPOSITE],
    "WebSpec": [str(Mode.WEB)],
}
"""The words of `mode` that each model reads."""

_NULL: Schema = {"type": "null"}

_MODE_SAID = (
    "How the service records: `individual`, files of their own for each user; `mix`, one picture "
    "and one sound (`composite` is read as `mix`); `web`, a web page."
)


def json_schema() -> Schema:
    """Return the schema, the same in every run; plain data, a copy of the caller's own."""
    publisher = Publisher()
    for name, notes in _NOTES.items():
        publisher.publish(name, notes)
    definitions = publisher.definitions
    for name in _WORDS:
        _move_mode(definitions[name])
    definitions[PARTIAL] = _partial_recording(definitions)
    definitions[RECORDING] = _recording()
    definitions[PLAIN] = _plain_keys()
    definitions[BODY] = _body(publisher.models["RecordingSetSpec"])
    for kind in _SPECS:
        definitions[kind] = _manifest(kind, publisher.models[kind])
    return _whole(definitions)


def _whole(definitions: Mapping[str, Schema]) -> Schema:
    any_kind = definitions[KINDS[0].__name__]["properties"]
    said = {key: {"description": field["description"]} for key, field in any_kind.items()}
    said["kind"] = {"description": "What the manifest is.", "enum": list(_SPECS)}
    return {
        "$schema": DIALECT,
        "title": API_VERSION,
        "description": "A manifest of reconciler: Agora Cloud Recording as YAML in Git.",
        "type": "object",
        "properties": said,
        "required": ["kind"],
        "allOf": [_when("kind", {"const": kind}, reference(kind)) for kind in _SPECS],
        "$defs": dict(sorted(definitions.items())),
    }


def _manifest(kind: str, model: Schema) -> Schema:
    said = {key: {"description": one_line(field)} for key, field in model["properties"].items()}
    spec = reference(_SPECS[kind])
    return {
        "description": one_line(model),
        "type": "object",
        "properties": {
            "apiVersion": said["apiVersion"] | {"const": API_VERSION},
            "kind": said["kind"] | {"const": kind},
            "metadata": said["metadata"] | either([reference("Metadata"), reference(VARIABLE)]),
            "spec": said["spec"] | either([spec, reference(VARIABLE)]),
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
    }


def _when(key: str, value: Schema, then: Schema) -> Schema:
    """Judge by `then` where `key` is there and has such a value."""
    return {"if": {"properties": {key: value}, "required": [key]}, "then": then}


def _move_mode(definition: Schema) -> None:
    """Put `mode` first; its words are the Recording's, which chooses the definition by them."""
    fields = definition["properties"]
    definition["properties"] = {
        "mode": {"description": fields.pop("mode")["description"]},
        **fields,
    }
    definition["required"].remove("mode")


def _recording() -> Schema:
    """Accept the spec of one mode, or any part of one where templates supply the rest."""
    words = [word for words in _WORDS.values() for word in words]
    chosen = [_when("mode", {"enum": words}, reference(name)) for name, words in _WORDS.items()]
    unknown = {
        "if": {"properties": {"mode": reference(VARIABLE)}},
        "then": {**reference(PARTIAL), "required": ["channel"]},
    }
    return {
        "description": "What to record, and how. With `template` it says only what differs.",
        "type": "object",
        "if": {"required": ["template"]},
        "then": reference(PARTIAL),
        "else": {
            "properties": {"mode": _mode(words)},
            "required": ["mode"],
            "allOf": [*chosen, unknown],
        },
    }


def _mode(words: list[str], *others: Schema) -> Schema:
    known = {"type": "string", "enum": words}
    said = {"description": f"{_MODE_SAID} {facts(recording_note('mode'))}"}
    return said | either([known, reference(VARIABLE), *others])


def _partial_recording(definitions: dict[str, Schema]) -> Schema:
    """Accept any part of a Recording's spec; with the mode known, nothing that only others have."""
    fields: dict[str, Schema] = {}
    for name in _WORDS:
        fields = definitions[name]["properties"] | fields
    partial = {key: _inheritable(field, key, definitions) for key, field in fields.items()}
    words = [word for words in _WORDS.values() for word in words]
    partial["mode"] = _mode(words, dict(_NULL))
    return {
        "description": "Any part of a Recording's spec; null removes an inherited key.",
        "type": "object",
        "properties": partial,
        "additionalProperties": False,
        "allOf": [
            _when("mode", {"enum": words}, _foreign(partial, definitions[name]["properties"]))
            for name, words in _WORDS.items()
        ],
    }


def _foreign(fields: Iterable[str], own: Mapping[str, Schema]) -> Schema:
    said = "No field of this mode: only null, which removes an inherited value."
    removed = {"description": said, **either([dict(_NULL), reference(VARIABLE)])}
    return {"properties": {key: dict(removed) for key in fields if key not in own}}


def _inheritable(field: Schema, path: str, definitions: dict[str, Schema]) -> Schema:
    """Return a field that may also be null, and whose mapping merges with an inherited one."""
    said = {key: field[key] for key in ("description", "default") if key in field}
    value = {key: part for key, part in field.items() if key not in said}
    forms = [_merged(form, path, definitions) for form in alternatives(value)]
    return said | either(forms if _NULL in forms else [*forms, dict(_NULL)])


def _merged(form: Schema, path: str, definitions: dict[str, Schema]) -> Schema:
    name = referred(form)
    if "properties" not in definitions.get(name, {}) or path in WHOLE:
        return form
    whole, partial = definitions[name], f"Partial{name}"
    definitions[partial] = {
        "description": f"{whole['description']} Any part of it; null removes an inherited key.",
        "type": "object",
        "properties": {
            key: _inheritable(field, f"{path}.{key}", definitions)
            for key, field in whole["properties"].items()
        },
        "additionalProperties": False,
    }
    return reference(partial)


def _body(model: Schema) -> Schema:
    """Accept a RecordingSet's pattern; with `${` in a key nobody knows what it becomes."""
    return {
        "description": one_line(model["properties"]["recording"]),
        "type": "object",
        "properties": {
            "metadata": {"description": "What each Recording is called."}
            | either([reference("Metadata"), reference(VARIABLE)]),
            "spec": {
                "description": "What each Recording records, and how.",
                "if": {"type": "object", **reference(PLAIN)},
                "then": reference(RECORDING),
                "else": either([{"type": "object"}, reference(VARIABLE)]),
            },
        },
        "required": ["metadata", "spec"],
        "additionalProperties": False,
    }


def _plain_keys() -> Schema:
    return {
        "description": "Anything in which no key, however deep, has `${` in it.",
        "propertyNames": {"not": {"pattern": PATTERN}},
        "additionalProperties": reference(PLAIN),
        "items": reference(PLAIN),
    }
