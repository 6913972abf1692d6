"""Everything the page of one device shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone

from devices.models import Device
from monitor.models import DeviceState, Incident, Passport, PolicyRule
from monitor.overview import aspects, rates
from monitor.overview.aspects import Fact
from monitor.overview.faults import tell_roots
from monitor.overview.listing import Line, lines
from monitor.overview.month import Month, month
from monitor.overview.nearby import Neighbour, near, seen_in
from monitor.overview.passport import Group, groups_of
from monitor.overview.scores import Plot, plot
from monitor.overview.standing import annotated, state_of, worst_first
from monitor.overview.strips import UNSEEN_ASPECTS
from monitor.overview.timeline import Entry, timeline
from monitor.overview.trust import Trust, trust
from monitor.overview.view import View, view_of
from monitor.overview.voices import Voice
from monitor.overview.withheld import Withheld, withheld
from monitor.policies import Policies
from monitor.trends import prune_before

if TYPE_CHECKING:
    from devices.models import User

HISTORY_DAYS = 90
# Lines of the history and of what hangs on a device; the incident list and the compound's page have the rest.
HISTORY = 20
CHILDREN = 64
_RELATED = (
    "compound", "endpoint__zone", "endpoint__schedule", "state", "slot", "parent", "contract__contractor", "paused_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DevicePage:
    """The page of a device."""

    line: Line
    state: DeviceState | None
    view: View
    plot: Plot
    facts: Sequence[Fact]
    withheld: Sequence[Withheld]
    history: Sequence[Incident]
    timeline: Sequence[Entry]
    month: Month
    passport: Sequence[Group]
    nearby: Sequence[Neighbour]
    parent: Device | None
    children: Sequence[Line]
    trust: Trust
    may_decide: bool
    occasions: Sequence[PolicyRule] = ()
    prune_before: date | None = None

    @property
    def device(self) -> Device:
        """The device itself."""
        return self.line.device

    @property
    def open(self) -> list[Incident]:
        """What is at fault now."""
        return [item for item in self.history if item.is_open]

    @property
    def unseen(self) -> str:
        """What cannot be seen because of it."""
        lost = any(item.aspect in UNSEEN_ASPECTS for item in self.open)
        return self.device.slot.sees if lost and self.device.slot else ""


def device_page(user: User, device: Device, now: datetime) -> DevicePage:
    """The page of a device that this person may see."""
    visible = Device.objects.visible_to(user)
    own = Device.objects.filter(pk=device.pk)
    line = lines(annotated(own, now).select_related(*_RELATED), now)[0]
    device, state = line.device, state_of(line.device)
    passport = Passport.objects.filter(device=device).first()
    tracks = state.read_tracks() if state else {}
    shown = month(device, now)
    view = view_of(user, line, state, tracks, now)
    history = _history(visible, device, now)
    return DevicePage(
        line=line,
        state=state,
        view=view,
        plot=plot(device, history, line.policy.picture_s, now) if device.sees else Plot(),
        facts=aspects.facts(device, tracks, passport.facts if passport else {}, line.policy),
        withheld=withheld(device, now),
        history=history,
        timeline=timeline(device, rates.day_start(now)),
        month=shown,
        passport=groups_of(passport),
        nearby=_nearby(visible, device, now) if any(item.is_open for item in history) else (),
        parent=visible.filter(children=device).first(),
        children=_children(visible, device, now),
        trust=trust(own, rates.Figures(shown.sums, _today(own, now)), 1),
        may_decide=view.voice is Voice.DECIDES,
        occasions=Policies(now).occasions.get(device.pk, ()),
        prune_before=prune_before(device, timezone.localdate(now)) if device.sees else None,
    )


def _today(own: QuerySet[Device], now: datetime) -> rates.Sums:
    since = rates.day_start(now)
    return rates.closed_hours(own, since) + rates.running_hours(own, since)


def _history(visible: QuerySet[Device], device: Device, now: datetime) -> Sequence[Incident]:
    since = now - timedelta(days=HISTORY_DAYS)
    found = Incident.objects.filter(Q(started_at__gte=since) | Q(ended_at=None), device=device)
    return tell_roots(list(found.select_related("root__device").order_by("-started_at")[:HISTORY]), visible)


def _nearby(visible: QuerySet[Device], device: Device, now: datetime) -> list[Neighbour]:
    return near(device, seen_in(visible, [device.compound_id], now)) if device.sees else []


def _children(visible: QuerySet[Device], device: Device, now: datetime) -> list[Line]:
    if not device.carries:
        return []
    hanging = annotated(visible.filter(parent=device), now).select_related("compound", "endpoint", "state")
    return lines(worst_first(hanging)[:CHILDREN], now)
