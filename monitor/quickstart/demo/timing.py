"""From the press of a demo button to the mail: when it was suspected, flagged and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.health import State
from monitor.models import Event, Notification, Transition
from monitor.wire import Aspect

# Which aspect of a device shows a fault of the simulator; all the others show in the picture.
_ASPECTS: Mapping[str, Aspect] = {
    "off": Aspect.LINK,
    "silent": Aspect.LINK,
    "wrong_password": Aspect.ACCESS,
    "clock_offset_s": Aspect.CLOCK,
}


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: for which device, which aspect must show it, and whether it put something right."""

    device_id: int
    aspect: str
    mends: bool
    at: datetime

    def as_json(self) -> dict[str, str | int | bool]:
        """The press as a session keeps it."""
        return {"device": self.device_id, "aspect": self.aspect, "mends": self.mends, "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, str | int | bool]) -> Press:
        """The press out of a session."""
        at = datetime.fromisoformat(str(data["at"]))
        return cls(int(data["device"]), str(data["aspect"]), bool(data["mends"]), at)


@dataclass(frozen=True, slots=True)
class Timing:
    """The instants after a press, each None until it has come. `untold`: no mail will come, and that is right."""

    suspect_at: datetime | None
    flagged_at: datetime | None
    mailed_at: datetime | None
    untold: bool


def aspect_of(fault: str) -> Aspect:
    """The aspect that a fault of the simulator shows in."""
    return _ASPECTS.get(fault, Aspect.PICTURE)


def timing(press: Press) -> Timing:
    """What has come of a press so far."""
    first, settled = (State.RECOVERING, State.OK) if press.mends else (State.SUSPECT, State.FAULTY)
    event = _event(press)
    mailed_at = _mailed(event)
    return Timing(
        suspect_at=_decided(press, first),
        flagged_at=_decided(press, settled),
        mailed_at=mailed_at,
        untold=mailed_at is None and event is not None and event.done_at is not None and event.outcome != "told",
    )


def _decided(press: Press, now: State) -> datetime | None:
    """When a state was first decided since the press; the visit that showed it may have begun before."""
    rows = Transition.objects.filter(device=press.device_id, aspect=press.aspect, now=now, decided_at__gte=press.at)
    return rows.order_by("decided_at").values_list("decided_at", flat=True).first()


def _event(press: Press) -> Event | None:
    kind = Event.Kind.CLOSED if press.mends else Event.Kind.OPENED
    rows = Event.objects.filter(
        incident__device=press.device_id, incident__aspect=press.aspect, kind=kind, at__gte=press.at
    )
    return rows.order_by("at", "pk").first()


def _mailed(event: Event | None) -> datetime | None:
    sent = Notification.objects.filter(event=event, sent_at__isnull=False) if event else Notification.objects.none()
    return sent.order_by("sent_at").values_list("sent_at", flat=True).first()
