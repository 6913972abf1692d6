"""How far the data can be trusted: the line under every page that shows figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Min, Q, QuerySet

from devices.models import Device
from monitor.models import ZoneState
from monitor.overview.points import polled_of
from monitor.overview.rates import Figures, Rate
from monitor.zones import stretched

# Less than this is the swing of a controller, no news.
STRETCH_TOLD: Final = 1.05


@dataclass(frozen=True, slots=True)
class Trust:
    """Oldest and newest look among `polled` devices, how many were `never` looked at, how much of today was blind.

    `blind_s` is the mean per point: an hour in which half of the points were not looked at counts half an hour.
    """

    polled: int
    never: int
    oldest: datetime | None
    newest: datetime | None
    blind_s: float
    coverage: Rate
    blind: Sequence[ZoneState] = ()
    stretch: float = 1.0

    @property
    def stretched(self) -> bool:
        """Whether intervals are longer than the policies say by so much that it must be told."""
        return self.stretch > STRETCH_TOLD


def trust(visible: QuerySet[Device], figures: Figures, points: int) -> Trust:
    """The trust line of these devices, `points` of which are points."""
    looks = polled_of(visible)
    found = looks.aggregate(
        polled=Count("pk"),
        never=Count("pk", filter=Q(state__looked_at=None)),
        oldest=Min("state__looked_at"),
        newest=Max("state__looked_at"),
    )
    zones = _zones(visible)
    return Trust(
        polled=found["polled"],
        never=found["never"],
        oldest=found["oldest"],
        newest=found["newest"],
        blind_s=figures.today.blind_s / points if points else 0.0,
        coverage=figures.month.coverage,
        blind=[zone for zone in zones if zone.blind_since],
        stretch=max((max(zone.heartbeat_stretch, zone.picture_stretch) for zone in zones), default=1.0),
    )


def _zones(visible: QuerySet[Device]) -> list[ZoneState]:
    """The zones of these devices of which there is something to tell; as a rule there are none anywhere."""
    told = ZoneState.objects.filter(Q(blind_since__isnull=False) | stretched(STRETCH_TOLD))
    rows = list(told.select_related("zone").order_by("zone__name"))
    if not rows:
        return []
    there = polled_of(visible).filter(endpoint__zone__in=[row.pk for row in rows])
    shown = set(there.order_by().values_list("endpoint__zone", flat=True).distinct())
    return [row for row in rows if row.pk in shown]
