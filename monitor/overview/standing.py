"""How one device stands, in one word for lists: its gravest open fault, else clear, paused, or not known and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.models import Device
from monitor import words
from monitor.carriers import CARRIERS
from monitor.causes import CAUSES, Category
from monitor.health import State, Status, Track
from monitor.inference import is_inferred
from monitor.models import DeviceState, Incident
from monitor.overview.points import clear, looked_at
from monitor.policy import BRIDGED_INTERVALS, STALE_INTERVALS, Policy
from monitor.wire import Aspect

# After every fault in the order of the lists.
NO_FAULT = 1000


class Group(StrEnum):
    """What a list can be narrowed to: the four numbers and the lesser ones."""

    CLEAR = "clear"
    OFFLINE = "offline"
    OBSTRUCTED = "obstructed"
    PICTURE = "picture"
    LOGIN = "login"
    UNKNOWN = "unknown"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Word:
    """A device's badge: the name of a status colour, the word, and a sentence of why."""

    css: str
    title: str
    sentence: str = ""


def annotated(devices: QuerySet[Device], now: datetime) -> QuerySet[Device]:
    """Devices with `gravest` (cause of the gravest open incident), its `rank`, and whether they are `fine` now."""
    graver = Incident.objects.open().filter(device=OuterRef("pk")).annotate(rank=_rank()).order_by("rank", "started_at")
    return devices.annotate(
        gravest=Subquery(graver.values("cause")[:1]),
        rank=Case(
            When(Exists(graver), then=Subquery(graver.values("rank")[:1])),
            default=Value(NO_FAULT),
            output_field=IntegerField(),
        ),
        fine=Case(When(clear(now) | _answers(now) | _carries(), then=True), default=False, output_field=BooleanField()),
    )


def worst_first(devices: QuerySet[Device]) -> QuerySet[Device]:
    """The order of lists: by consequence, then what is not known, then the rest by place."""
    return devices.order_by(F("rank"), "pause_reason", F("fine"), "compound__name", "name", "pk")


def group_of(group: Group) -> Q:
    """The condition on annotated devices that belong to a group."""
    if group is Group.PAUSED:
        return ~Q(pause_reason="")
    if group is Group.CLEAR:
        return Q(pause_reason="", fine=True)
    if group is Group.UNKNOWN:
        return Q(pause_reason="", fine=False, gravest=None)
    return Q(pause_reason="", gravest__in=_CAUSES_OF[Category(group)])


def word(device: Device, gravest: str | None, *, fine: bool, policy: Policy, now: datetime) -> Word:
    """The badge of a device."""
    if device.pause_reason:
        return Word("mnt", _("Polling paused"), device.pause_reason)
    state = state_of(device)
    if gravest in CAUSES and gravest is not None:
        return Word(CSS[CAUSES[gravest].category], words.title(gravest), _told(state, gravest))
    if fine:
        return Word("ok", _("Normal")) if device.endpoint_id else Word("inf", _("Normal"), inferred_from(state))
    return Word("unk", _("Unknown"), why_unknown(device, state, policy, now))


def why_unknown(device: Device, state: DeviceState | None, policy: Policy, now: datetime) -> str:
    """Why it is not known whether a device is well, and whose that is."""
    if device.endpoint_id is None:
        return _no_address(device)
    if state is None or state.looked_at is None:
        return words.unknown("not_looked")
    if now - state.looked_at > timedelta(seconds=BRIDGED_INTERVALS * policy.heartbeat_s):
        return words.unknown("platform_silent")
    tracks = state.read_tracks()
    for aspect in (Aspect.LINK, Aspect.PICTURE)[: 1 + device.sees]:
        track = tracks.get(aspect, Track(why="not_looked"))
        if track.state is State.UNKNOWN:
            return _no_reference(state) if track.why == "not_checkable" else words.unknown(track.why or "not_looked")
    if device.sees and stale(state, policy, now):
        return _("The last picture is older than three intervals.")
    return words.unknown("not_looked")


def stale(state: DeviceState, policy: Policy, now: datetime) -> bool:
    """Whether the last picture is too old to prove anything."""
    limit = timedelta(seconds=STALE_INTERVALS * policy.picture_s)
    return state.picture_at is None or now - state.picture_at > limit


def state_of(device: Device) -> DeviceState | None:
    """The state row, None for a device that was never looked at."""
    found: DeviceState | None = getattr(device, "state", None)
    return found


CSS = {Category.OFFLINE: "off", Category.OBSTRUCTED: "pic", Category.PICTURE: "pic", Category.LOGIN: "login"}
_CAUSES_OF = {item: [cause.key for cause in CAUSES.values() if cause.category is item] for item in Category}


def _rank() -> Case:
    by_rank: dict[int, list[str]] = defaultdict(list)
    for cause in CAUSES.values():
        by_rank[cause.rank].append(cause.key)
    whens = [When(cause__in=keys, then=Value(rank)) for rank, keys in by_rank.items()]
    return Case(*whens, default=Value(NO_FAULT - 1), output_field=IntegerField())


def _answers(now: datetime) -> Q:
    """Devices without a picture are fine when they answer."""
    from devices.models.kinds import CAMERAS

    return (
        ~Q(kind__in=CAMERAS) & Q(pause_reason="", state__status__in=(Status.ONLINE, Status.DEGRADED)) & looked_at(now)
    )


def _carries() -> Q:
    """Switches without an address are fine when what hangs on them answers."""
    return Q(pause_reason="", endpoint=None, kind__in=CARRIERS, state__status=Status.ONLINE)


def inferred_from(state: DeviceState | None) -> str:
    """How many devices tell that a switch without an address is well."""
    link = state.read_tracks().get(Aspect.LINK) if state else None
    number = int(link.detail["of"]) if link and is_inferred(link) else 0
    told = ngettext(
        "Inferred from %(n)s device that hangs on it; it has no address of its own.",
        "Inferred from %(n)s devices that hang on it; it has no address of its own.",
        number,
    )
    return told % {"n": number}


def _no_address(device: Device) -> str:
    if device.kind in CARRIERS:
        return _("It has no address, and what hangs on it does not tell how it is.")
    return _("It has no address in the register.")


def _told(state: DeviceState | None, cause: str) -> str:
    """The sentence of a fault, with what the last reading measured."""
    track = state.read_tracks().get(CAUSES[cause].aspect) if state else None
    return words.sentence(cause, track.detail if track and track.cause == cause else {})


def _no_reference(state: DeviceState) -> str:
    reason = str(state.picture.get("reason", ""))
    if reason == "no reference of this phase":
        return _("No reference view is accepted for this time of day: accept one on the device's page.")
    return words.unknown("not_checkable")
