"""How far the data can be trusted: the line under every page that shows figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, QuerySet

from devices.models import Device
from monitor.overview.points import polled_of
from monitor.overview.rates import Figures, Rate


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


def trust(visible: QuerySet[Device], figures: Figures, points: int) -> Trust:
    """The trust line of these devices, `points` of which are points."""
    looks = polled_of(visible)
    found = looks.aggregate(
        polled=Count("pk"),
        never=Count("pk", filter=Q(state__looked_at=None)),
        oldest=Min("state__looked_at"),
        newest=Max("state__looked_at"),
    )
    return Trust(
        polled=found["polled"],
        never=found["never"],
        oldest=found["oldest"],
        newest=found["newest"],
        blind_s=figures.today.blind_s / points if points else 0.0,
        coverage=figures.month.coverage,
    )
