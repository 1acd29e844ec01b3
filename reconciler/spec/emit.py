"""Manifests to YAML text that reads as if a person wrote it.

The only home of ruamel.yaml's emitter.
"""

import io
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

WIDTH = 100


def to_yaml(manifests: Iterable[Any]) -> str:
    """Return the manifests as documents of one YAML file, keys in the order given."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    documents = []
    for manifest in manifests:
        stream = io.StringIO()
        yaml.dump(manifest, stream)
        documents.append(stream.getvalue())
    return "---\n".join(documents)
