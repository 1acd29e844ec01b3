"""What a simulation got to: error rows, actions, transitions of sessions, kinds of faults.

Each is a text `KIND:NAME`; what there is to reach stands in `measure.py`.
"""

from collections import Counter

from reconciler.agora import trees
from reconciler.agora.error_table import row_for
from reconciler.agora.failures import ANY_CODE, Row
from reconciler.agora.messages import Endpoint, Reply, Silence, Unanswered

Reached = Counter[str]

ROW, ACTION, MOVE, ACT, FAULT = "row", "action", "move", "act", "fault"


def told(kind: str, name: str) -> str:
    """Return how something that was reached is counted."""
    return f"{kind}:{name}"


def row_of(endpoint: str, answer: Reply | Unanswered) -> Row | None:
    """Return the row of the error table that an answer is of; None: it is a success."""
    called = Endpoint.NOTIFICATION_IPS if endpoint == "ip" else Endpoint(endpoint)
    if isinstance(answer, Unanswered):
        return row_for(called, answer.silence, None, "")
    if answer.status == 200 and b'"code"' not in answer.body and answer.body.endswith(b"}"):
        return None
    tree = trees.parsed(answer.body) or {}
    inner = trees.branch(tree, "serverResponse", "payload")
    message = trees.text(tree, "message", "reason") or trees.text(inner, "message") or ""
    return row_for(called, answer.status, trees.whole(tree, "code") or None, message)


def row_name(row: Row) -> str:
    """Return a short name of a row of the error table."""
    ends = sorted(str(each) for each in row.endpoints)
    endpoints = "any" if len(ends) > 4 else " or ".join(ends)
    is_silent = isinstance(row.status, Silence)
    code = {ANY_CODE: "any code", None: "" if is_silent else "without code"}
    spoken = code.get(row.code, f"code {row.code}")
    words = [endpoints, _status(row.status), spoken, f"`{row.message}`" if row.message else ""]
    return " ".join(each for each in words if each)


def _status(status: int | range | Silence | None) -> str:
    if isinstance(status, range):
        return f"{status[0] // 100}xx"
    return "any status" if status is None else str(status)
