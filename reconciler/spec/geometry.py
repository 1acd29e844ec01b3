"""Where each user stands on the canvas of a composite recording.

Called by `draw` for previews and by whoever needs a layout's shapes. Pure arithmetic in exact
fractions of the canvas (`fractions.Fraction`, origin top left); pixels, colours and texts belong to
`draw`. It knows nothing of manifests: the caller fills a `LayoutSpec`. Source of every number:
agora-api.md 9.4.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, pairwise

USERS_MAX = 17  # agora-api.md 9.4: a composite canvas shows at most 17 users
TOLERANCE = Fraction(1, 1_000_000)  # C37: the wire has six decimals, so thirds never meet exactly
DECIMALS = 1_000_000


class LayoutType(StrEnum):
    """How the service arranges users; the value is the manifest's word."""

    FLOATING = "floating"
    BEST_FIT = "best-fit"
    VERTICAL = "vertical"
    CUSTOM = "custom"

    @property
    def wire(self) -> int:
        """Return the number in `mixedVideoLayout` (agora-api.md 3.5)."""
        return tuple(LayoutType).index(self)


class Fit(StrEnum):
    """What happens when a video's aspect is not its region's: cut it, or fit it in with bars."""

    CROP = "crop"
    CONTAIN = "contain"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in exact fractions of the canvas; `float(rect.x)` where a float is needed."""

    x: Fraction
    y: Fraction
    width: Fraction
    height: Fraction

    @classmethod
    def of(cls, x: float, y: float, width: float, height: float) -> "Rect":
        """Make one of a manifest's numbers, rounded to the six decimals that are sent (C37)."""
        return cls(
            *(Fraction(round(value * DECIMALS), DECIMALS) for value in (x, y, width, height))
        )

    @property
    def right(self) -> Fraction:
        """Return the x at which it ends."""
        return self.x + self.width

    @property
    def bottom(self) -> Fraction:
        """Return the y at which it ends."""
        return self.y + self.height

    @property
    def area(self) -> Fraction:
        """Return its share of the canvas."""
        return self.width * self.height

    def intersection(self, other: "Rect") -> "Rect | None":
        """Return what both cover, or None where that is within the tolerance of nothing."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = min(self.right, other.right) - x
        height = min(self.bottom, other.bottom) - y
        return Rect(x, y, width, height) if min(width, height) > TOLERANCE else None


CANVAS = Rect(Fraction(0), Fraction(0), Fraction(1), Fraction(1))


@dataclass(frozen=True, slots=True)
class CustomRegion:
    """One entry of a custom layout. `uid` None: for the next user in order of joining."""

    rect: Rect
    uid: str | None = None
    alpha: float = 1.0
    fit: Fit = Fit.CROP


@dataclass(frozen=True, slots=True)
class UserBackground:
    """The picture shown instead of one user's video when that stops (agora-api.md 9.3)."""

    uid: str
    image: str
    fit: Fit = Fit.CROP


@dataclass(frozen=True, slots=True)
class LayoutSpec:
    """What a manifest says about its layout, as plain values.

    `focus_uid` counts in `vertical` only, `regions` in `custom` only. Images are URLs.
    """

    type: LayoutType = LayoutType.FLOATING
    focus_uid: str | None = None
    regions: tuple[CustomRegion, ...] = ()
    background_colour: str = "#000000"
    background_image: str | None = None
    user_image: str | None = None
    user_backgrounds: tuple[UserBackground, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """One place on the canvas; its position in the tuple that holds it is the order of drawing.

    `user` counts the users that no uid binds, from 1, in order of joining; it is None where `uid`
    binds the region and where the region is `empty`. A bound region is empty when its user is not
    among those previewed. On a `backdrop` others lie by design.
    """

    rect: Rect
    user: int | None = None
    uid: str | None = None
    empty: bool = False
    backdrop: bool = False
    fit: Fit = Fit.CROP
    alpha: float = 1.0

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what to write into it: who is shown, then fit and alpha unless default."""
        parts = [f"user {self.user}"] if self.user is not None else []
        parts += [f"uid {self.uid}"] if self.uid is not None else []
        parts += ["empty"] if self.empty else []
        parts += [self.fit.value] if self.fit is not Fit.CROP else []
        parts += [f"alpha {self.alpha:g}"] if self.alpha != 1 else []
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two regions that cover a common `rect`, by position from 0; `first` < `second`."""

    first: int
    second: int
    rect: Rect


def regions(layout: LayoutSpec, users: int) -> tuple[Region, ...]:
    """Place `users` users (1..17) on the canvas, in the order of drawing.

    Users whom the layout names by uid are taken to be present, as far as `users` reaches, and count
    among them. Raises ValueError for another number of users.
    """
    if not 1 <= users <= USERS_MAX:
        message = f"A layout is drawn for 1 to {USERS_MAX} users; `{users}` is outside."
        raise ValueError(message)
    match layout.type:
        case LayoutType.FLOATING:
            return tuple(_floating(users))
        case LayoutType.BEST_FIT:
            return tuple(_best_fit(users))
        case LayoutType.VERTICAL:
            return tuple(_vertical(users, layout.focus_uid))
        case LayoutType.CUSTOM:
            return tuple(_custom(users, layout.regions))


def overlaps(placed: Sequence[Region]) -> tuple[Overlap, ...]:
    """Return each pair that overlaps; what lies on a backdrop does so by design."""
    return tuple(
        Overlap(first, second, common)
        for (first, below), (second, above) in combinations(enumerate(placed), 2)
        if not below.backdrop and (common := below.rect.intersection(above.rect)) is not None
    )


def uncovered(placed: Sequence[Region]) -> tuple[Rect, ...]:
    """Return the parts of the canvas that no region covers, empty regions counted as covering."""
    return remainder(CANVAS, (region.rect for region in placed))


def remainder(whole: Rect, covers: Iterable[Rect]) -> tuple[Rect, ...]:
    """Return what `covers` leave of `whole`: rectangles that do not overlap, from top to bottom.

    The edges cut `whole` into a grid; free cells are joined along rows, then equal runs downwards.
    """
    inside = [common for cover in covers if (common := whole.intersection(cover)) is not None]
    xs = _edges(whole.x, whole.right, (edge for rect in inside for edge in (rect.x, rect.right)))
    ys = _edges(whole.y, whole.bottom, (edge for rect in inside for edge in (rect.y, rect.bottom)))
    free: list[Rect] = []
    for top, bottom in pairwise(ys):
        middle = (top + bottom) / 2
        crossing = [rect for rect in inside if rect.y < middle < rect.bottom]
        for left, right in _free_runs(xs, crossing):
            _append(free, Rect(left, top, right - left, bottom - top))
    return tuple(free)


def _floating(users: int) -> Iterator[Region]:
    side, step, margin = Fraction(235, 1000), Fraction(247, 1000), Fraction(12, 1000)
    yield Region(CANVAS, user=1, backdrop=True)
    for small in range(users - 1):
        row, column = divmod(small, 4)
        yield Region(Rect(margin + step * column, 1 - step * (row + 1), side, side), user=small + 2)


_GRIDS = ((1, 1, 1), (2, 2, 1), (4, 2, 2), (9, 3, 3), (16, 4, 4))
"""Best fit: up to how many users, columns, rows."""


def _best_fit(users: int) -> Iterator[Region]:
    if users == USERS_MAX:
        yield from _best_fit_of_17()
        return
    columns, rows = next((columns, rows) for most, columns, rows in _GRIDS if users <= most)
    width, height = Fraction(1, columns), Fraction(1, rows)
    for index in range(users):
        row, column = divmod(index, columns)
        yield Region(Rect(width * column, height * row, width, height), user=index + 1)


def _best_fit_of_17() -> Iterator[Region]:
    side, band = Fraction(1, 5), Fraction(1, 10)
    for index in range(16):
        row, column = divmod(index, 4)
        yield Region(Rect(band + side * column, side * row, side, side), user=index + 1)
    yield Region(Rect(2 * side, 4 * side, side, side), user=17)


_COLUMNS = ((4, 5, 4), (6, 7, 6), (8, 9, 8), (16, 10, 8))
"""Vertical: up to how many small regions; how many of them the canvas is wide and high."""


def _vertical(users: int, focus_uid: str | None) -> Iterator[Region]:
    # The table counts the large user. Without one every user is small, and the row is the first
    # with room for all of them; a 17th then finds no place.
    small = users - 1 if focus_uid is not None else min(users, USERS_MAX - 1)
    across, down = next((across, down) for most, across, down in _COLUMNS if small <= most)
    width, height = Fraction(1, across), Fraction(1, down)
    large = Rect(Fraction(0), Fraction(0), Fraction(down, across), Fraction(1))
    yield Region(large, uid=focus_uid, empty=focus_uid is None, fit=Fit.CONTAIN)
    for index in range(small):
        column, row = divmod(index, down)  # the outer column first (agora-api.md 11, K41)
        yield Region(Rect(1 - width * (column + 1), height * row, width, height), user=index + 1)


def _custom(users: int, entries: Sequence[CustomRegion]) -> Iterator[Region]:
    bound = dict.fromkeys(entry.uid for entry in entries if entry.uid is not None)
    present = tuple(bound)[:users]
    others = iter(range(1, users - len(present) + 1))
    for entry in entries:
        user = next(others, None) if entry.uid is None else None
        yield Region(
            entry.rect,
            user=user,
            uid=entry.uid,
            empty=user is None and entry.uid not in present,
            fit=entry.fit,
            alpha=entry.alpha,
        )


def _edges(low: Fraction, high: Fraction, inner: Iterable[Fraction]) -> list[Fraction]:
    """Return the cuts from `low` to `high`, those within the tolerance of one another as one."""
    kept = [low]
    for edge in sorted({*inner, high}):
        if edge - kept[-1] > TOLERANCE:
            kept.append(edge)
    if len(kept) > 1:
        kept[-1] = high
    return kept


def _free_runs(xs: Sequence[Fraction], crossing: Sequence[Rect]) -> list[tuple[Fraction, Fraction]]:
    """Join neighbouring cells of one row that none of `crossing` covers."""
    runs: list[tuple[Fraction, Fraction]] = []
    for left, right in pairwise(xs):
        middle = (left + right) / 2
        if any(rect.x < middle < rect.right for rect in crossing):
            continue
        start = runs.pop()[0] if runs and runs[-1][1] == left else left
        runs.append((start, right))
    return runs


def _append(free: list[Rect], rect: Rect) -> None:
    """Add `rect`, or let the one that stands right above it with the same width grow."""
    for index, above in enumerate(free):
        if (above.x, above.right, above.bottom) == (rect.x, rect.right, rect.y):
            free[index] = replace(above, height=rect.bottom - above.y)
            return
    free.append(rect)
