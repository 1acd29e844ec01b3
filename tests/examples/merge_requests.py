"""The comments of one merge request, as GitLab's API serves them, on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "comment-token-7731"
PATH = "/api/v4/projects/7/merge_requests/3/notes"


class Notes:
    """What was commented: pairs of author and text; a note's id is its place, from 1."""

    def __init__(self, url: str) -> None:
        self.found: list[tuple[str, str]] = []
        self.environ = {
            "CI_API_V4_URL": f"{url}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "3",
            "RECONCILER_COMMENT_TOKEN": TOKEN,
        }

    def add(self, author: str, body: str) -> None:
        self.found.append((author, body))

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"id": number, "author": {"username": author}, "body": body}
            for number, (author, body) in enumerate(self.found, start=1)
        ]


@contextmanager
def notes() -> Iterator[Notes]:
    """Serve the comments of one merge request; those that come in are a bot's of project 7."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, forge.listed())

        def do_POST(self) -> None:
            forge.add("project_7_bot_a", self._body())
            self._answer(201, {})

        def do_PUT(self) -> None:
            place = int(urlsplit(self.path).path.removeprefix(f"{PATH}/")) - 1
            forge.found[place] = (forge.found[place][0], self._body())
            self._answer(200, {})

        def _body(self) -> str:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            return parse_qs(sent.decode())["body"][0]

        def _answer(self, status: int, tree: object) -> None:
            known = self.headers["PRIVATE-TOKEN"] == TOKEN and self.path.startswith(PATH)
            self.send_response(status if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(tree).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge = Notes(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
