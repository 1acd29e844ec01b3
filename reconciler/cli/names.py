"""Names on a command line: a Recording's, or a RecordingSet's for all that it made."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from reconciler.errors import UsageError
from reconciler.plan.recorded import Recorded


def chosen(
    names: Iterable[str], known: Collection[str], recorded: Mapping[str, Recorded]
) -> tuple[str, ...]:
    """Return the Recordings that these names mean, each once.

    `known` are those that count. Raises UsageError for a name that means none of them.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for each in recorded.values():
        if each.set_name and each.name in known:
            members[each.set_name].append(each.name)
    found: dict[str, None] = {}
    for name in names:
        meant = [*([name] if name in known else []), *members.get(name, ())]
        if not meant:
            hint = "`reconciler status` lists them; another scope is named with --scope"
            raise UsageError(f"there is no Recording `{name}` here", hint=hint)
        found |= dict.fromkeys(meant)
    return tuple(found)
