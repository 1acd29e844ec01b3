"""A branch of a Git repository, as the user names it and as it may be shown. Pure.

A URL can hold credentials. They go to git and nowhere else: what is shown, and the name of the
folder on the disk, are made without them (design/reconcile.md, invariant 9).
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote

from reconciler.agora.scrub import without

NAME_LENGTH = 16
TEXT_LENGTH_MAX = 300
"""Of what git says: a sentence, not a page."""

_SSH = re.compile(r"(?:git\+)?ssh(?:\+git)?://", re.IGNORECASE)
# The second form is a password with a `/` that nobody encoded: wrong, and a secret all the same.
_CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s]*|[^/@\s]*:(?!\d*/)\S*)@")


@dataclass(frozen=True, slots=True)
class Remote:
    """One branch of one repository; an empty branch is whatever its HEAD names."""

    url: str
    branch: str = ""

    @property
    def ref(self) -> str:
        """Return the name of the branch on the other side."""
        return f"refs/heads/{self.branch}" if self.branch else "HEAD"

    @property
    def shown(self) -> str:
        """Return the URL for people: without credentials, but with the user of an ssh one."""
        return self._anonymous.partition("?")[0] if "://" in self.url else self.url

    @property
    def name(self) -> str:
        """Return a name for the folder, another for each repository and branch.

        New credentials find the old folder.
        """
        text = f"{self._anonymous}\0{self.branch}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:NAME_LENGTH]

    def scrubbed(self, text: str) -> str:
        """Return what git says without the credentials, on one line, printable and short."""
        text = without(_CREDENTIALS.sub("", text), self._secrets)
        text = "".join(each if each.isprintable() else " " for each in text).strip()
        return text if len(text) <= TEXT_LENGTH_MAX else f"{text[:TEXT_LENGTH_MAX]}..."

    @property
    def _anonymous(self) -> str:
        user = self._user_and_password[0]
        shown = f"{user}@" if user and _SSH.match(self.url) else ""
        return _CREDENTIALS.sub(lambda _: shown, self.url, count=1)

    @property
    def _user_and_password(self) -> tuple[str, str]:
        found = _CREDENTIALS.search(self.url)
        user, _, password = found[0][:-1].partition(":") if found else ("", "", "")
        return user, password

    @property
    def _secrets(self) -> list[str]:
        """A user without a password can be a token, but never that of an ssh URL."""
        user, password = self._user_and_password
        secret = password or ("" if _SSH.match(self.url) else user)
        query = self.url.partition("?")[2] if "://" in self.url else ""
        return [secret, unquote(secret), query]
