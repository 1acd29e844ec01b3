"""Small specs, compiled and sealed as a run would do it, for what compares two of them."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.diagnostics import Severity
from reconciler.plan.applied import Applied, Seal, seal, secrets_of
from reconciler.spec.desired import Desired
from reconciler.spec.emit import to_yaml
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import merge
from tests.spec.support import APP, read, setting, write

KEY_ID = "k1"
APP_KEY = "app"
STORAGE = {
    "vendor": "aws",
    "region": "us-east-1",
    "bucket": "b",
    "accessKey": {"env": "A"},
    "secretKey": {"env": "S"},
}
BASE: dict[str, dict[str, Any]] = {
    "mix": {"channelProfile": "live"},
    "individual": {"channelProfile": "live"},
    "web": {"web": {"url": "https://a.b/", "maxDuration": "2h"}},
}
WITH_CERTIFICATE = f"{APP}  certificate: {{env: CERTIFICATE}}\n"


def spec_of(mode: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sound spec of a mode with more said over it; null takes a key away."""
    return merge({"mode": mode, "channel": "c", "storage": STORAGE, **BASE[mode]}, more)


def compiled(spec: Mapping[str, Any]) -> Desired:
    """Compile one Recording's spec, which must have no errors."""
    head = {"apiVersion": "reconciler/v1", "kind": "Recording", "metadata": {"name": "a"}}
    text = to_yaml([{**head, "spec": dict(spec)}])
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {"app.yaml": WITH_CERTIFICATE, "a.yaml": text})
        catalog = read(Path(folder), setting())
        errors = [each for each in catalog.diagnostics if each.severity is Severity.ERROR]
        assert not errors, "\n".join(map(str, errors))
        return catalog.entries[0].desired()


def sealed(
    desired: Desired, values: Mapping[str, str | None] | None = None, key_id: str = KEY_ID
) -> Applied:
    """Seal a Desired; a reference yields its own name, or what `values` says: None, nothing."""
    found = {secret: sealed_value(secret, values or {}, key_id) for secret in secrets_of(desired)}
    raw = _mark(repr(desired.raw), key_id) if desired.raw is not None else None
    return seal(desired, APP_KEY, found, raw)


def given(
    mode: str, more: Mapping[str, Any], values: Mapping[str, str | None] | None = None
) -> Applied:
    """Compile and seal a sound spec with more said over it."""
    return sealed(compiled(spec_of(mode, more)), values)


def sealed_value(secret: Secret, values: Mapping[str, str | None], key_id: str) -> Seal:
    name = secret.source if isinstance(secret.source, str) else secret.source[0]
    value = values.get(name, name)
    return Seal("", "") if value is None else _mark(f"{value}/{secret.part or ''}", key_id)


def _mark(text: str, key_id: str) -> Seal:
    return Seal(key_id, hashlib.sha256(f"{key_id}:{text}".encode()).hexdigest())
