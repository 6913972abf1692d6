"""The points and how they stand: clear, faulty by category, paused, or not known.

Each point stands in exactly one of four groups: paused; else faulty when an incident of it is open; else clear when its
last judged picture is good and fresh; else unknown. A point whose only fault is its clock is faulty and yet seen
clearly, so `clear` is counted apart from the groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.expressions import Combinable

from devices.models import Device
from devices.models.devices import POLLED
from devices.models.kinds import CAMERAS
from monitor.causes import CAUSES, Category
from monitor.health import State, Status
from monitor.models import Incident
from monitor.policy import BRIDGED_INTERVALS, STALE_INTERVALS

PAUSED = ~Q(pause_reason="")
_SEEN = (State.OK, State.SUSPECT)


def intervals_ago(now: datetime, column: str, intervals: float) -> Combinable:
    """The instant that lies so many of a schedule's intervals (a column in seconds) before now."""
    length = ExpressionWrapper(
        F(f"endpoint__schedule__{column}") * Value(timedelta(seconds=intervals), output_field=DurationField()),
        output_field=DurationField(),
    )
    return ExpressionWrapper(Value(now, output_field=DateTimeField()) - length, output_field=DateTimeField())


def clear(now: datetime) -> Q:
    """Points that can be seen clearly now: the last judged picture is good and younger than three intervals."""
    return Q(
        pause_reason="",
        state__status__in=(Status.ONLINE, Status.DEGRADED),
        state__tracks__picture__state__in=_SEEN,
        state__picture_at__gte=intervals_ago(now, "picture_every", STALE_INTERVALS),
    )


def looked_at(now: datetime) -> Q:
    """Devices whose last look is recent enough to go by."""
    return Q(state__looked_at__gte=intervals_ago(now, "heartbeat_every", BRIDGED_INTERVALS))


def open_incident() -> Exists:
    """Whether a device has an open incident."""
    return Exists(Incident.objects.open().filter(device=OuterRef("pk")))


@dataclass(slots=True)
class Standing:
    """How the points of one compound stand. `faulty` counts points by their gravest open incident."""

    compound_id: int
    name: str
    type: str
    total: int
    clear: int
    paused: int
    unknown: int
    polled: int
    looked: int
    never: int
    faulty: Counter[Category] = field(default_factory=Counter)
    clear_login: int = 0

    @property
    def unseen(self) -> int:
        """Points that ought to be seen and cannot be, or are not known to be."""
        return self.total - self.clear - self.paused


def standings(visible: QuerySet[Device], now: datetime) -> list[Standing]:
    """The compounds of these devices that have points, the worst first."""
    rows = _rows(visible, now)
    by_compound = {row.compound_id: row for row in rows}
    for compound_id, category, seen in _gravest(visible, now).values():
        by_compound[compound_id].faulty[category] += 1
        by_compound[compound_id].clear_login += seen and category is Category.LOGIN
    return sorted(rows, key=lambda row: (-row.unseen, -row.unseen / row.total, row.name))


def points_of(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those of these devices that are points."""
    return devices.filter(kind__in=CAMERAS, life__in=POLLED)


def polled_of(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those of these devices that are looked at."""
    return devices.filter(life__in=POLLED, endpoint__isnull=False, pause_reason="")


def _rows(visible: QuerySet[Device], now: datetime) -> list[Standing]:
    is_polled = Q(pause_reason="", endpoint__isnull=False)
    found = (
        points_of(visible)
        .values("compound_id", "compound__name", "compound__type")
        .order_by()
        .annotate(
            total=Count("pk"),
            clear=Count("pk", filter=clear(now)),
            paused=Count("pk", filter=PAUSED),
            known=Count("pk", filter=Q(pause_reason="") & (clear(now) | Q(open_incident()))),
            polled=Count("pk", filter=is_polled),
            looked=Count("pk", filter=is_polled & looked_at(now)),
            never=Count("pk", filter=is_polled & Q(state__looked_at=None)),
        )
    )
    return [
        Standing(
            compound_id=row["compound_id"],
            name=row["compound__name"],
            type=str(row["compound__type"]),
            unknown=row["total"] - row["paused"] - row["known"],
            **{name: row[name] for name in ("total", "clear", "paused", "polled", "looked", "never")},
        )
        for row in found
    ]


def _gravest(visible: QuerySet[Device], now: datetime) -> Mapping[int, tuple[int, Category, bool]]:
    """The gravest open incident of each point: compound, category, and whether the point is seen all the same."""
    points = points_of(visible).filter(pause_reason="")
    found = Incident.objects.open().filter(device__in=points)
    rows = found.values_list("device_id", "device__compound_id", "cause")
    gravest: dict[int, tuple[int, str]] = {}
    for device_id, compound_id, cause in rows:
        known = gravest.get(device_id)
        if cause in CAUSES and (known is None or CAUSES[cause].rank < CAUSES[known[1]].rank):
            gravest[device_id] = (compound_id, cause)
    login = [pk for pk, (_, cause) in gravest.items() if CAUSES[cause].category is Category.LOGIN]
    seen = set(Device.objects.filter(clear(now), pk__in=login).values_list("pk", flat=True))
    return {pk: (compound_id, CAUSES[cause].category, pk in seen) for pk, (compound_id, cause) in gravest.items()}


def total(rows: Iterable[Standing]) -> Standing:
    """All compounds together."""
    whole = Standing(0, "", "", 0, 0, 0, 0, 0, 0, 0)
    for row in rows:
        for name in ("total", "clear", "paused", "unknown", "polled", "looked", "never", "clear_login"):
            setattr(whole, name, getattr(whole, name) + getattr(row, name))
        whole.faulty += row.faulty
    return whole
