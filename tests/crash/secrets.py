"""Specs with every kind of secret in every place that takes one, and a search for their values."""

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from tests.crash.support import Scene, manifest, recording

SECRETS = {
    "CUSTOMER_ID": "customer&id/of=the+tests-7731",
    "CUSTOMER_SECRET": "customer secret/of=the+tests?7732",
    "CERTIFICATE": "fedcba98765432100123456789abcdef",
    "NOTIFICATIONS": "notification+secret/7733",
    "FROM_ENV": "access/key+from=environment&7734",
    "FROM_FILE": "secret/key+from=a-file&7735",
    "FROM_EXEC": "access/key+from=a-program&7736",
    "LITERAL": "secret/key+that=is-written&out-7737",
    "STS_KEY": "ASIA+access=key/7738",
    "STS_SECRET": "sts+secret=key/7739",
    "STS_TOKEN": "sts+session=token/7740",
    "ENCRYPTION": "encryption-key7741",
    "SALT": base64.b64encode(b"a salt of thirty-two bytes 7742.").decode(),
    "VOD_ACCESS": "vod+access=key/7743",
    "VOD_SECRET": "vod+secret=key/7744",
    "STREAM": "stream+key=of/7745",
    "TICKET": "ticket-of-the-page=7746",
    "RAW": "raw+tag=that/is-secret-7747",
    "VARIABLE": "variable+for=a/secret-7748",
}
OPTIONS = ("--allow-exec", "--var", f"KEY={SECRETS['VARIABLE']}")
TOKEN = b"007eJ"
"""How every RTC token begins: what is generated is known to nobody else."""


def write_specs(scene: Scene) -> None:
    """Write specs that hold, or name, every one of the secrets."""
    scene.environ.update(SECRETS)
    scene.environ["RTMP"] = f"rtmp://push.example.com/live/{SECRETS['STREAM']}"
    scene.environ["PAGE"] = f"https://example.com/page?ticket={SECRETS['TICKET']}"
    (scene.specs / "key.txt").write_text(f"{SECRETS['FROM_FILE']}\n")
    program(scene, "give-key", f"printf '%s' {SECRETS['FROM_EXEC']!r}")
    credentials = {
        "AccessKeyId": SECRETS["STS_KEY"],
        "SecretAccessKey": SECRETS["STS_SECRET"],
        "SessionToken": SECRETS["STS_TOKEN"],
        "Expiration": "2037-01-01T00:00:00Z",
    }
    program(scene, "give-all", f"printf '%s' {json.dumps(credentials)!r}")
    scene.write("app", scene.app(notifications={"secret": {"env": "NOTIFICATIONS"}}))
    scene.write("storage", *_storages())
    scene.want(*_recordings())


def _storages() -> Iterator[str]:
    common = {"vendor": "aws", "region": "us-east-1", "bucket": "b"}
    keys: dict[str, dict[str, Any]] = {
        "archive": {"accessKey": {"env": "FROM_ENV"}, "secretKey": {"file": "key.txt"}},
        "written": {"accessKey": {"exec": ["./give-key"]}, "secretKey": SECRETS["LITERAL"]},
        "variable": {"accessKey": {"env": "FROM_ENV"}, "secretKey": "${var.KEY}"},
        "short": {"credentials": {"exec": ["./give-all"]}},
    }
    for name, given in keys.items():
        yield manifest("Storage", name, **common, **given)


def _recordings() -> Iterator[str]:
    encryption = {"mode": "aes-128-gcm2", "key": {"env": "ENCRYPTION"}, "salt": {"env": "SALT"}}
    vod: dict[str, Any] = {"accessKey": {"env": "VOD_ACCESS"}, "secretKey": {"env": "VOD_SECRET"}}
    vod |= {"region": "cn-shanghai", "title": "a lesson"}
    page = {"url": {"env": "PAGE"}, "maxDuration": "24h", "rtmp": {"env": "RTMP"}}
    made = {"token": "generate"}
    yield recording("encrypted", encryption=encryption, **made)
    yield recording("written", storage="written", **made)
    yield recording("variable", storage="variable", **made)
    yield recording("short", storage="short", **made)
    yield recording("vod", vod=vod, storage=None, **made)
    yield recording("page", "web", web=page)
    raw = {"storageConfig": {"extensionParams": {"tag": {"env": "RAW"}}}}
    yield recording("raw", raw=raw, **made)


def program(scene: Scene, name: str, line: str) -> None:
    """Write a program for `exec` that also notes how it was called."""
    file = scene.specs / name
    called = f"tr '\\0' ' ' < /proc/$$/cmdline >> {scene.folder}/called"
    file.write_text(f"#!/bin/sh\n{called}\n{line}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def leaks(folder: Path) -> list[str]:
    """Return which secret stands in which file of a folder, in whatever form."""
    forms = {form: name for name, value in SECRETS.items() for form in forms_of(value)}
    forms[TOKEN] = "a generated token"
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            found += [f"{name} in {file.name}" for form, name in forms.items() if form in data]
    return found


def forms_of(secret: str) -> set[bytes]:
    """Return what a secret can look like: as it is, quoted, in hex, in base64 at any place."""
    raw = secret.encode()
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), raw.hex()}
    encoded = set()
    for shift in range(3):
        # Those characters that depend on nothing before and after the secret.
        text = base64.b64encode(b"\0" * shift + raw)[-(-8 * shift // 6) :]
        whole = text[: (len(raw) * 8 - (-8 * shift) % 6) // 6]
        encoded |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return {text.encode() for text in texts} | encoded
