"""JSON Schemas of what the documents of design/cli.md share; objects have no other members."""

from typing import Any

Schema = dict[str, Any]


def known(**properties: Schema) -> Schema:
    """An object with exactly these members, all of them there."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def one_of(*words: str) -> Schema:
    return {"enum": list(words)}


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [{"type": "null"}, schema]}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
MAYBE_TEXT = maybe(TEXT)
MAYBE_TIME = maybe(TIME)
VERSION: Schema = {"const": "1"}
FILE = known(name=TEXT, uri=MAYBE_TEXT, track=MAYBE_TEXT, uid=MAYBE_TEXT, started_at=MAYBE_TIME)
