"""The list of incidents, and one incident: what, since when, why, who was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.paginator import Page, Paginator
from django.db.models import Case, IntegerField, Max, QuerySet, Value, When
from django.utils.http import urlencode

from devices.models import Device
from monitor import words
from monitor.causes import CAUSES, Category
from monitor.models import DeviceState, Event, Incident, Notification, Picture
from monitor.overview.faults import Shot, counted, references_of, roots, tell_roots
from monitor.overview.listing import number_in
from monitor.overview.strips import UNSEEN_ASPECTS

if TYPE_CHECKING:
    from devices.models import User

PER_PAGE = 50
OPEN, ENDED = "open", "ended"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list was asked for: open or ended ones, of one category."""

    show: str = OPEN
    category: str = ""
    page: int = 1

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> Asked:
        """From the query of an address; nonsense counts as not asked."""
        category, page = asked.get("category", ""), asked.get("page", "")
        return cls(
            show=ENDED if asked.get("show") == ENDED else OPEN,
            category=category if category in set(Category) else "",
            page=number_in(page) or 1,
        )

    def address(self, page: int) -> str:
        """Another page of the same list."""
        asked: dict[str, str | int] = {"show": self.show, "category": self.category, "page": page}
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class Row:
    """An incident, and the names of what is down because of it."""

    incident: Incident
    affected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class IncidentList:
    """The list of incidents."""

    asked: Asked
    page: Page[Incident]
    rows: Sequence[Row]
    open: int
    ended: int
    last_look: datetime | None

    @property
    def earlier(self) -> str:
        """Where the page before is."""
        return self.asked.address(self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def later(self) -> str:
        """Where the next page is."""
        return self.asked.address(self.page.next_page_number()) if self.page.has_next() else ""


def incident_list(user: User, asked: Asked) -> IncidentList:
    """The open causes by consequence, each with what it takes along, or the ended incidents, the newest first."""
    visible = Device.objects.visible_to(user)
    mine = Incident.objects.filter(device__in=visible)
    if asked.category:
        mine = mine.filter(cause__in=[cause.key for cause in CAUSES.values() if cause.category == asked.category])
    causes = mine.filter(pk__in=roots(visible).values("pk"))
    last = DeviceState.objects.filter(device__in=visible).aggregate(at=Max("looked_at"))["at"]
    page = Paginator(_ordered(mine if asked.show == ENDED else causes, asked), PER_PAGE).get_page(asked.page)
    shown = tell_roots(list(page.object_list), visible)
    return IncidentList(asked, page, _rows(shown, visible), causes.count(), counted(mine)["ended"], last)


def _rows(incidents: Sequence[Incident], visible: QuerySet[Device]) -> list[Row]:
    found = Incident.objects.open().filter(root__in=[item.pk for item in incidents if item.is_open], device__in=visible)
    affected: dict[int | None, list[str]] = defaultdict(list)
    for root_id, name in found.values_list("root_id", "device__name").order_by("device__name", "pk"):
        affected[root_id].append(name)
    return [Row(item, affected.get(item.pk, ())) for item in incidents]


def _ordered(incidents: QuerySet[Incident], asked: Asked) -> QuerySet[Incident]:
    related = incidents.select_related("device__compound", "device__slot", "root__device")
    if asked.show == ENDED:
        return related.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")
    ranks = [When(cause=cause.key, then=Value(cause.rank)) for cause in CAUSES.values()]
    by_rank = Case(*ranks, default=Value(999), output_field=IntegerField())
    return related.filter(ended_at=None).order_by(by_rank, "started_at", "pk")


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told what, by which route, and when; `sent_at` is None while it is on its way."""

    name: str
    kind: str
    sent_at: datetime | None
    failed: bool


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Everything the page of an incident shows."""

    incident: Incident
    sentence: str
    next_step: str
    unseen: str
    root: Incident | None
    consequences: Sequence[Incident]
    told: Sequence[Told]
    waiting: Event | None
    proof: Shot | None
    reference: Shot | None


def incident_page(user: User, incident: Incident) -> IncidentPage:
    """The page of an incident that this person may see."""
    visible = Device.objects.visible_to(user)
    device = incident.device
    proof = _proof(incident)
    return IncidentPage(
        incident=incident,
        sentence=words.sentence(incident.cause, incident.detail),
        next_step=words.next_step(incident.cause, incident.detail),
        unseen=device.slot.sees if device.slot and incident.aspect in UNSEEN_ASPECTS else "",
        root=Incident.objects.filter(consequences=incident, device__in=visible).select_related("device").first(),
        consequences=list(
            incident.consequences.filter(device__in=visible)
            .select_related("device__slot")
            .order_by("ended_at", "device__name")
        ),
        told=told(incident),
        waiting=incident.events.filter(done_at=None).order_by("ready_at").first(),
        proof=proof,
        reference=references_of([device.pk]).get((device.pk, proof.phase)) if proof else None,
    )


def told(incident: Incident) -> list[Told]:
    """Who was told, the newest first."""
    rows = Notification.objects.filter(event__incident=incident).select_related("user", "event")
    return [
        Told(str(row.user), row.event.kind, row.sent_at, row.failed_at is not None)
        for row in rows.order_by("-event__at", "user__name", "pk")
    ]


def _proof(incident: Incident) -> Shot | None:
    found = Picture.objects.filter(incident=incident, role=Picture.Role.PROOF).order_by("taken_at").first()
    if found is None:
        return None
    return Shot(incident.device_id, f"proof-{incident.pk}", found.sha256[:16], found.taken_at, found.phase)
