"""What another process does with a state: `python -m tests.state.children WHAT URL ...`.

It writes a line for each thing that is done, and what it does not end by itself, its parent ends.
"""

import os
import sys
from collections.abc import Callable
from contextlib import closing

from reconciler.clock import SystemClock
from reconciler.state.open import open_state
from reconciler.state.schema import MIGRATIONS
from reconciler.state.store import Event, Holder, Spent, Store
from tests.state.support import LATER


def main() -> None:
    what, url, *arguments = sys.argv[1:]
    migrations = LATER if what == "migrate" else MIGRATIONS
    opened = open_state(url, {}, SystemClock(), write=True, migrations=migrations)
    with closing(opened) as store:
        THINGS[what](store, *arguments)


def hold(store: Store, scope: str) -> None:
    """Hold a lock until a line comes in."""
    holder = Holder(host="elsewhere", process=os.getpid(), command="run", since_s=1_700_000_000.0)
    with store.lock(scope, holder):
        say("held")
        sys.stdin.readline()
    say("left")
    sys.stdin.readline()


def share(store: Store, scope: str, app_key: str) -> None:
    """Share a lock and own an App ID until killed."""
    holder = Holder(host="elsewhere", process=os.getpid(), command="run", since_s=1_700_000_000.0)
    with store.share(scope, holder):
        say(f"{store.claim(scope, app_key)}")
        sys.stdin.readline()


def commit(store: Store) -> None:
    """Commit until killed; tell each serial once it is on the disk."""
    while True:
        event = Event(
            time_s=0.0, recording="r", type="normal", reason="r", message=os.urandom(8).hex()
        )
        say(str(store.commit("default", [event])))


def book(store: Store, count: str) -> None:
    """Book one slot after the other, each a second after the last."""
    for _ in range(int(count)):
        store.spend("app", lambda spent, _: Spent((spent.last_s if spent else 0.0) + 1, 1.0, 0.0))


def show(store: Store) -> None:
    """Tell the salt and the key, by which two states differ."""
    say(f"{store.salt.hex()} {(store.key or b'').hex()}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


THINGS: dict[str, Callable[..., None]] = {
    "hold": hold,
    "share": share,
    "commit": commit,
    "book": book,
    "open": show,
    "migrate": show,
}


if __name__ == "__main__":
    main()
