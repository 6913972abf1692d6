"""What a contractor has to mend, in the order of consequence, and what came back today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from devices.models import Device
from monitor.models import Incident
from monitor.overview import points, rates
from monitor.overview.faults import Fault, open_faults
from monitor.overview.points import Standing
from monitor.overview.suspects import Suspect, suspects
from monitor.overview.trust import Trust, trust

if TYPE_CHECKING:
    from devices.models import User

# Cards with pictures of a contractor's first page.
CARDS = 6


@dataclass(frozen=True, slots=True)
class Tasks:
    """The first page of a contractor: the faults of the devices under its contracts."""

    now: datetime
    standing: Standing
    cards: Sequence[Fault]
    rows: Sequence[Fault]
    faults: int
    suspects: Sequence[Suspect]
    mended: int
    trust: Trust

    @property
    def all(self) -> Sequence[Fault]:
        """Cards and rows together, as a phone lists them."""
        return (*self.cards, *self.rows)


def tasks(user: User, now: datetime, *, proofs: bool) -> Tasks:
    """What is to mend; with the pictures for a desk (`proofs`), without for a phone."""
    visible = Device.objects.visible_to(user)
    whole = points.total(points.standings(visible, now))
    cards, rows, faults = open_faults(visible, now, CARDS if proofs else 0)
    ended = Incident.objects.filter(device__in=visible, root=None, ended_at__gte=rates.day_start(now))
    figures = rates.figures(user, points.points_of(visible), now)
    return Tasks(
        now, whole, cards, rows, faults, suspects(visible), ended.count(), trust(visible, figures, whole.total)
    )
