"""One compound: its points as a wall of pictures, what they hang on, and its last 24 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from devices.models import Compound, Device, Life, Slot
from devices.models.kinds import CAMERAS
from monitor.overview import points, rates, strips
from monitor.overview.faults import Shot, any_phase, last_shot, references_of
from monitor.overview.listing import Line, lines
from monitor.overview.points import Standing
from monitor.overview.rates import Sums
from monitor.overview.standing import annotated, state_of, worst_first
from monitor.overview.strips import Strip
from monitor.overview.trust import Trust, trust
from monitor.policy import STALE_INTERVALS

if TYPE_CHECKING:
    from devices.models import User


@dataclass(frozen=True, slots=True)
class Seen:
    """A point on the wall: its badge and its last picture; before there is one, what it ought to show."""

    line: Line
    shot: Shot | None
    reference: Shot | None = None


@dataclass(frozen=True, slots=True)
class CompoundPage:
    """Everything the page of a compound shows."""

    compound: Compound
    standing: Standing
    wall: Sequence[Seen]
    others: Sequence[Line]
    gaps: Sequence[Slot]
    strip: Strip
    month: Sums
    trust: Trust


def compound_page(user: User, compound: Compound, now: datetime) -> CompoundPage:
    """The page of a compound as this person sees it."""
    visible = Device.objects.visible_to(user).filter(compound=compound).exclude(life=Life.REMOVED)
    whole = points.total(points.standings(visible, now))
    seen = points.points_of(visible)
    running = rates.running_hours(seen, rates.day_start(now))
    month = rates.closed_hours(seen, rates.month_start(now)) + running
    today = rates.closed_hours(seen, rates.day_start(now)) + running
    all_lines = lines(worst_first(annotated(visible, now)).select_related("compound", "endpoint", "state", "slot"), now)
    return CompoundPage(
        compound=compound,
        standing=whole,
        wall=_wall([line for line in all_lines if line.device.kind in CAMERAS], now),
        others=[line for line in all_lines if line.device.kind not in CAMERAS],
        gaps=_gaps(compound, len(all_lines)),
        strip=strips.of_compounds(seen, {compound.pk: whole.total}, now)[compound.pk],
        month=month,
        trust=trust(visible, rates.Figures(month, today), whole.total),
    )


def _wall(found: Sequence[Line], now: datetime) -> list[Seen]:
    wall = []
    references = any_phase(references_of([line.device.pk for line in found]))
    for line in found:
        state = state_of(line.device)
        stale_s = STALE_INTERVALS * line.policy.picture_s
        shot = last_shot(state, now, stale_s) if state else None
        wall.append(Seen(line, shot, None if shot else references.get(line.device.pk)))
    return wall


def _gaps(compound: Compound, seen: int) -> list[Slot]:
    """Mandatory slots without a device; only for who sees the whole compound: a hidden device would look like a gap."""
    if seen < Device.objects.filter(compound=compound).exclude(life=Life.REMOVED).count():
        return []
    return list(Slot.objects.filter(compound=compound, mandatory=True, device=None).order_by("position"))
