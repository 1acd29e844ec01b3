"""What an answer says, for those who judge what was made of it."""

import json
from typing import Any

from reconciler.agora.messages import Reply


def told_by(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of an answer; empty: it has none."""
    try:
        told = json.loads(reply.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
