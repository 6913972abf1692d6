"""The list of devices: narrowed by what was asked, counted, the worst first."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.utils.http import urlencode

from devices.models import Compound, Device, Kind, Life
from devices.models.kinds import CAMERAS, INFRASTRUCTURE
from monitor.overview.standing import Group, Word, annotated, group_of, state_of, word, worst_first
from monitor.policies import Policies
from monitor.policy import Policy

if TYPE_CHECKING:
    from devices.models import User

PER_PAGE = 50
# Compounds that a person can choose from; whoever has more types a name.
CHOICES = 200
MAX_DIGITS = 9
# Values of `kind` that stand for several.
POINTS, OTHERS = "points", "others"


@dataclass(frozen=True, slots=True)
class Filter:
    """What was asked for; nonsense counts as not asked."""

    q: str = ""
    compound: int | None = None
    kind: str = ""
    status: Group | None = None
    page: int = 1

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> Filter:
        """From the query of an address."""
        kind, status = asked.get("kind", ""), asked.get("status", "")
        return cls(
            q=printable(asked.get("q", "")).strip()[:80],
            compound=number_in(asked.get("compound", "")),
            kind=kind if kind in (*Kind.values, POINTS, OTHERS) else "",
            status=Group(status) if status in set(Group) else None,
            page=number_in(asked.get("page", "")) or 1,
        )

    def address(self, **changes: Any) -> str:
        """The query of the same list with something changed."""
        asked = {"q": self.q, "compound": self.compound, "kind": self.kind, "status": self.status} | changes
        return "?" + urlencode({name: value for name, value in asked.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for."""
        return any((self.q, self.compound, self.kind, self.status))


def printable(text: str) -> str:
    """A text without control characters, which no name has and no database column takes."""
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cc")


def number_in(text: str) -> int | None:
    """A number out of an address; None for anything else, and for what no key or page can be."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


@dataclass(frozen=True, slots=True)
class Line:
    """One device of the list."""

    device: Device
    word: Word
    looked_at: datetime | None
    policy: Policy


@dataclass(frozen=True, slots=True)
class Choice:
    """One group to narrow to, how many are in it, and where that leads; a thing without a lens only `answers`."""

    group: Group | None
    count: int
    address: str
    chosen: bool
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of devices and what it can be narrowed to."""

    filter: Filter
    page: Page[Device]
    lines: Sequence[Line]
    choices: Sequence[Choice]
    compounds: Sequence[Compound]
    last_look: datetime | None

    @property
    def earlier(self) -> str:
        """Where the page before is."""
        return self.filter.address(page=self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def later(self) -> str:
        """Where the next page is."""
        return self.filter.address(page=self.page.next_page_number()) if self.page.has_next() else ""


def listing(user: User, asked: Filter, now: datetime) -> Listing:
    """The devices that this person sees and asked for."""
    devices = Device.objects.visible_to(user).exclude(life=Life.REMOVED)
    within = annotated(_within(devices, asked), now)
    counts = within.aggregate(
        all=Count("pk"), last=Max("state__looked_at"),
        **{group.value: Count("pk", filter=group_of(group) & _counted(asked)) for group in Group},
    )  # fmt: skip
    found = within.filter(group_of(asked.status)) if asked.status else within
    page = Paginator(worst_first(found), PER_PAGE).get_page(asked.page)
    last = counts["last"] or devices.aggregate(at=Max("state__looked_at"))["at"]
    related = page.object_list.select_related("compound", "endpoint", "state")  # type: ignore[attr-defined]
    compounds = Compound.objects.visible_to(user).order_by("name")[:CHOICES]
    return Listing(asked, page, lines(related, now), _choices(asked, counts), list(compounds), last)


def lines(devices: QuerySet[Device], now: datetime) -> list[Line]:
    """Annotated devices with their badges."""
    policies = Policies()
    return [_line(device, policies.of_device(device), now) for device in devices]


def _line(device: Device, policy: Policy, now: datetime) -> Line:
    state = state_of(device)
    found = word(device, device.gravest, fine=device.fine, policy=policy, now=now)  # type: ignore[attr-defined]
    return Line(device, found, state.looked_at if state else None, policy)


def _within(devices: QuerySet[Device], asked: Filter) -> QuerySet[Device]:
    """Everything asked for but the status, which is counted within it."""
    if asked.q:
        told = Q(name__icontains=asked.q) | Q(compound__name__icontains=asked.q) | Q(code__startswith=asked.q)
        devices = devices.filter(told | Q(endpoint__host=asked.q) | Q(serial=asked.q))
    if asked.compound:
        devices = devices.filter(compound=asked.compound)
    return _of_kind(devices, asked)


def _of_kind(devices: QuerySet[Device], asked: Filter) -> QuerySet[Device]:
    """The four numbers of the first page count points, and so do their lists unless another kind is asked for."""
    if asked.kind == OTHERS:
        return devices.exclude(kind__in=(*CAMERAS, *INFRASTRUCTURE))
    if asked.kind == POINTS or (asked.status and not asked.kind):
        return devices.filter(pk__in=devices.points().values("pk"))  # type: ignore[attr-defined]
    return devices.filter(kind=asked.kind) if asked.kind else devices


def _counted(asked: Filter) -> Q:
    """What a group's number counts: points, as the list that it leads to, unless a kind was asked for."""
    return Q() if asked.kind else Q(pk__in=Device.objects.points().values("pk"))


def _choices(asked: Filter, counts: Mapping[str, int]) -> list[Choice]:
    everything = Choice(None, counts["all"], asked.address(status=""), asked.status is None)
    lensless = asked.kind not in ("", POINTS, *CAMERAS)
    groups = [_choice(asked, group, counts[group], lensless=lensless) for group in Group]
    return [everything, *(item for item in groups if item.count or item.chosen)]


def _choice(asked: Filter, group: Group, count: int, *, lensless: bool) -> Choice:
    address = asked.address(status=group.value)
    return Choice(group, count, address, asked.status is group, lensless and group is Group.CLEAR)
