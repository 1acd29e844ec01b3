"""Where a session's file lies in the customer's storage, as the vendor's tools write it. Pure."""

from reconciler.plan.applied import Applied

_SCHEMES = {
    0: "kodo",
    1: "s3",
    2: "oss",
    3: "cos",
    4: "ks3",
    5: "azure",
    6: "gs",
    7: "obs",
    8: "bos",
    11: "s3",
}
"""By wire number (agora-api.md 3.3); `azure` has no such word of its own."""


def file_uri(applied: Applied, name: str) -> str | None:
    """Return a file's address; None where nothing is known of the storage.

    The object key is the prefix joined by `/`, and the name (agora-api.md 9.1).
    """
    storage = applied.request.get("storageConfig")
    if not storage or storage.get("vendor") not in _SCHEMES or not storage.get("bucket"):
        return None
    key = "/".join([*storage.get("fileNamePrefix", ()), name])
    return f"{_SCHEMES[storage['vendor']]}://{storage['bucket']}/{key}"
