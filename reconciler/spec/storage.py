"""A Storage to `storageConfig` (agora-api.md 3.2), and what is wrong with one before it gets there.

Pure.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Literal

from reconciler.spec.compile import STORAGE_ROWS, encode_rows
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.problems import Problem, error
from reconciler.spec.secrets import Secret
from reconciler.spec.vendors import TEMPORARY_KEYS, Vendor, region, region_hint, vendor
from reconciler.spec.wire import Json, Path

NO_REGION = 0
"""Sent for vendors without regions (agora-api.md C62, K58)."""

_LASTING_PARTS = (("accessKey", "AccessKeyId"), ("secretKey", "SecretAccessKey"))
_PARTS = (*_LASTING_PARTS, ("stsToken", "SessionToken"), ("stsExpiration", "Expiration"))
"""The keys of AWS's `credential_process` JSON."""

_READS: dict[str, Literal["text", "time"]] = {"Expiration": "time"}


def storage_config(spec: StorageSpec, prefix: tuple[str, ...] = ()) -> dict[str, Json]:
    """Return the wire's `storageConfig`; `prefix` is the Recording's, below the Storage's own."""
    tree: dict[str, Any] = {}
    encode_rows(STORAGE_ROWS, spec, tree)
    config: dict[str, Json] = {"vendor": spec.vendor, "region": _region_number(spec)}
    config.update(tree["storageConfig"])
    if spec.credentials:
        config.update(_parts(spec.credentials, _vendor(spec)))
    folders = [*spec.prefix, *prefix]
    if folders:
        config["fileNamePrefix"] = [*folders]
    else:
        config.pop("fileNamePrefix", None)
    return config


def _parts(whole: Secret, of: Vendor) -> dict[str, Json]:
    """Return where each key is found; temporary ones only for vendors that know them (C66)."""
    known = _PARTS if of.name in TEMPORARY_KEYS else _LASTING_PARTS
    return {key: replace(whole, part=part, reads=_READS.get(part, "text")) for key, part in known}


def _region_number(spec: StorageSpec) -> int:
    if not _vendor(spec).regions:
        return NO_REGION
    if isinstance(spec.region, int):
        return spec.region
    found = region(_vendor(spec), spec.region) if spec.region is not None else None
    return found.number if found else NO_REGION


def _vendor(spec: StorageSpec) -> Vendor:
    found = vendor(spec.vendor)
    if found is None:
        message = "the model accepts listed vendors only"
        raise AssertionError(message)
    return found


def storage_problems(
    spec: StorageSpec, base: Path, unreadable: Collection[Path] = ()
) -> Iterator[Problem]:
    """Return what the fields of a Storage say about each other.

    `base` is where the spec stands in its manifest.
    """
    of = _vendor(spec)
    if isinstance(spec.region, str) and region(of, spec.region) is None:
        message = f"`{of.name}` has no region `{spec.region}`"
        yield error((*base, "region"), "region", message, region_hint(of, spec.region))
    if spec.region is None and of.regions:
        yield error(
            (*base, "region"),
            "missing",
            f"`region` is required for `{of.name}`",
            region_hint(of, ""),
        )
    keys = {"accessKey": spec.access_key, "secretKey": spec.secret_key}
    others = {**keys, "stsToken": spec.sts_token, "stsExpiration": spec.sts_expiration}
    if (*base, "credentials") in unreadable:
        return
    if spec.credentials:
        for key in (key for key, value in others.items() if value is not None):
            hint = "keep one of the two"
            yield error(
                (*base, key),
                "credentials-twice",
                f"`{key}` and `credentials` exclude each other",
                hint,
            )
        return
    for key in (key for key, value in keys.items() if value is None):
        hint = "write it as {env: NAME}, or give `credentials`"
        yield error((*base, key), "missing", f"`{key}` is required", hint)
