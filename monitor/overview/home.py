"""The first page of the police: what can be seen now, what cannot and why, which compounds are worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet

from devices.models import Device
from devices.models.kinds import CAMERAS, INFRASTRUCTURE
from monitor.causes import Category
from monitor.health import Status
from monitor.overview import points, rates, strips
from monitor.overview.faults import Fault, open_faults
from monitor.overview.points import Standing
from monitor.overview.proposals import waiting_count
from monitor.overview.rates import Rate
from monitor.overview.strips import Strip
from monitor.overview.suspects import Suspect, suspects
from monitor.overview.trust import Trust, trust

if TYPE_CHECKING:
    from devices.models import User

# Cards with pictures on a first page; the other faults are rows.
CARDS = 4
# Compounds on a first page, the worst ones; the rest is counted.
COMPOUNDS = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the four numbers. `seen` points of it are seen clearly all the same (a wrong clock)."""

    category: Category
    count: int
    total: int
    seen: int = 0


@dataclass(frozen=True, slots=True)
class CompoundLine:
    """A compound with its last 24 hours."""

    standing: Standing
    strip: Strip


@dataclass(frozen=True, slots=True)
class Others:
    """Devices that are no points (loudspeakers, access control): how many answer."""

    answer: int
    total: int


@dataclass(frozen=True, slots=True)
class Home:
    """Everything the first page shows."""

    now: datetime
    standing: Standing
    tiles: tuple[Tile, ...]
    usable: Rate
    others: Others
    suspects: Sequence[Suspect]
    cards: Sequence[Fault]
    rows: Sequence[Fault]
    faults: int
    compounds: Sequence[CompoundLine]
    more_compounds: int
    trust: Trust
    waiting: int

    @property
    def lead(self) -> Fault | None:
        """The fault that the sentence names."""
        return next(iter((*self.cards, *self.rows)), None)

    @property
    def affected(self) -> int:
        """How many devices the faults touch: the roots and what hangs on them."""
        return sum(fault.affects for fault in (*self.cards, *self.rows)) + self.faults

    @property
    def rounding(self) -> bool:
        """Whether a round is under way: some points were not looked at lately, or never."""
        return self.standing.looked < self.standing.polled

    @property
    def all_clear(self) -> bool:
        """Whether there is nothing to say but that all is well."""
        return self.standing.clear == self.standing.total > 0 and not self.faults and not self.rounding


def home(user: User, now: datetime, *, all_compounds: bool = False) -> Home:
    """The first page of a police officer, an administrator or an owner."""
    visible = Device.objects.visible_to(user)
    standings = points.standings(visible, now)
    whole = points.total(standings)
    seen = points.points_of(visible)
    figures = rates.figures(user, seen, now)
    cards, rows, faults = open_faults(visible, now, CARDS)
    shown = standings if all_compounds else standings[:COMPOUNDS]
    drawn = strips.of_compounds(seen, {row.compound_id: row.total for row in shown}, now)
    return Home(
        now=now,
        standing=whole,
        tiles=tiles(whole),
        usable=figures.month.usable,
        others=others(visible, now),
        suspects=suspects(visible),
        cards=cards,
        rows=rows,
        faults=faults,
        compounds=[CompoundLine(row, drawn[row.compound_id]) for row in shown],
        more_compounds=len(standings) - len(shown),
        trust=trust(visible, figures, whole.total),
        waiting=waiting_count(user),
    )


def tiles(whole: Standing) -> tuple[Tile, ...]:
    """The four numbers, each point under its gravest fault."""
    return tuple(
        Tile(item, whole.faulty[item], whole.total, whole.clear_login if item is Category.LOGIN else 0)
        for item in Category
    )


def others(visible: QuerySet[Device], now: datetime) -> Others:
    """Loudspeakers, access control and barriers: they have no picture, so that they answer is all there is to see."""
    found = points.polled_of(visible).exclude(kind__in=(*CAMERAS, *INFRASTRUCTURE))
    answering = Q(state__status__in=(Status.ONLINE, Status.DEGRADED, Status.AUTH_FAILED)) & points.looked_at(now)
    row = found.aggregate(total=Count("pk"), answer=Count("pk", filter=answering))
    return Others(row["answer"], row["total"])
