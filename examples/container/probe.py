#!/usr/bin/env python3
"""Ask an address of this container how it is: `probe http://127.0.0.1:8710/healthz`.

Exit code 0 for an answer of 200, else 1; the answer's text goes to stdout. Health checks use it,
since a header with the token would have to be written down: here it is taken from RECONCILER_TOKEN,
where the daemon has it from too.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_S = 4.0
"""A little less than those who ask allow."""

SHOWN_BYTES_MAX = 1000


def main(url: str) -> int:
    """Ask once; what cannot be reached is not well."""
    place = urlsplit(url)
    token = os.environ.get("RECONCILER_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection = HTTPConnection(place.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", place.path, headers=headers)
        answer = connection.getresponse()
        text = answer.read(SHOWN_BYTES_MAX).decode(errors="replace").strip()
    except (OSError, HTTPException) as problem:
        sys.stdout.write(f"{url} does not answer: {problem}\n")
        return 1
    sys.stdout.write(f"{answer.status} {text}\n")
    return 0 if answer.status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
