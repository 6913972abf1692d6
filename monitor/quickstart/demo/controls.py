"""What the demo's bar and its control page offer: which knobs there are, for whom, and what the intervals are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from devices.models import Device, User
from devices.visibility import sees_everything
from monitor.models import PolicyRule
from monitor.policy import Policy, resolve
from monitor.quickstart.demo import control, plan
from monitor.quickstart.demo.control import Virtual

FaultValue = bool | float | str


@dataclass(frozen=True, slots=True)
class Knob:
    """A fault that a visitor may set. `lens`: only where there is a picture; `channel`: also on a channel."""

    fault: str
    value: FaultValue
    title: str
    lens: bool = True
    channel: bool = True


KNOBS: Sequence[Knob] = (
    Knob("off", True, gettext_noop("Switched off"), lens=False, channel=False),
    Knob("covered", plan.HALF_COVERED, gettext_noop("Lens covered")),
    Knob("turned", 0.25, gettext_noop("View turned away")),
    Knob("blurred", 0.01, gettext_noop("Out of focus")),
    Knob("frozen", True, gettext_noop("Frozen")),
    Knob("black", True, gettext_noop("Black picture")),
    Knob("dark", 0.93, gettext_noop("Too dark")),
    Knob("noise", 0.6, gettext_noop("Noise")),
    Knob("stripes", 0.6, gettext_noop("Stripes")),
    Knob("cast", 0.7, gettext_noop("Colour cast")),
    Knob("wrong_password", True, gettext_noop("Another password"), channel=False),
    Knob("clock_offset_s", plan.EIGHT_HOURS_S, gettext_noop("Clock eight hours off"), channel=False),
    Knob("html_picture", True, gettext_noop("A web page instead of a picture")),
    Knob("empty_picture", True, gettext_noop("Empty picture")),
    Knob("drip", 1.0, gettext_noop("One byte a second"), channel=False),
    Knob("silent", True, gettext_noop("Accepts and never answers"), lens=False, channel=False),
)
_BY_FAULT = {knob.fault: knob for knob in KNOBS}


@dataclass(frozen=True, slots=True)
class Act:
    """A button of the bar: which device it breaks, and how."""

    name: str
    key: str
    fault: str
    title: str


# Both are healthy in the plan, so that the visitor's own act is what is seen.
ACTS: Sequence[Act] = (
    Act("cover", "hf-02", "covered", gettext_noop("Cover a lens")),
    Act("unplug", "yj-sw", "off", gettext_noop("Unplug a switch")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A device on the control page."""

    device: Device
    key: str
    virtual: Virtual | None
    knobs: Sequence[Knob]
    faults: Sequence[str]

    @property
    def up(self) -> bool:
        """Whether it and all it hangs on are switched on."""
        return self.virtual is not None and self.virtual.up

    @property
    def is_off(self) -> bool:
        """Whether it was switched off itself."""
        return self.virtual is not None and "off" in self.virtual.faults

    @property
    def is_covered(self) -> bool:
        """Whether its lens is covered."""
        return self.virtual is not None and "covered" in self.virtual.faults

    @property
    def has_lens(self) -> bool:
        """Whether there is a lens to cover."""
        return _BY_FAULT["covered"] in self.knobs

    @property
    def others(self) -> list[Knob]:
        """What can be set beside switching off and covering."""
        return [knob for knob in self.knobs if knob.fault not in ("off", "covered")]

    @property
    def has_switch(self) -> bool:
        """Whether it can be switched off by itself."""
        return _BY_FAULT["off"] in self.knobs


def may_play(user: User) -> bool:
    """Who may turn the demo's knobs: its own people, and administrators."""
    return settings.VIEWKEEPER_DEMO and (user.demo or sees_everything(user))


def device_of(user: User, key: str) -> Device | None:
    """The demo's device of a key of the plan, where this user may see it."""
    try:
        code = plan.code_of(plan.thing(key))
    except KeyError:
        return None
    devices = Device.objects.visible_to(user).filter(code=code, compound__demo=True)
    return devices.select_related("endpoint", "compound").first()


def acts_for(user: User) -> list[Act]:
    """The bar's buttons whose device this user may see."""
    codes = {plan.code_of(plan.thing(act.key)): act for act in ACTS}
    seen = Device.objects.visible_to(user).filter(code__in=codes, compound__demo=True).values_list("code", flat=True)
    have = set(seen)
    return [act for code, act in codes.items() if code in have]


def knob(fault: str) -> Knob | None:
    """The knob of a fault."""
    return _BY_FAULT.get(fault)


def knobs_of(item: plan.Thing) -> list[Knob]:
    """What can be set on a thing of the plan."""
    channel = bool(plan.channel_of(item))
    return [knob for knob in KNOBS if (item.scene or not knob.lens) and (knob.channel or not channel)]


def lines(user: User) -> list[Line]:
    """The devices of the control page that this user may see, what hangs on a thing below it; raises `ControlError`."""
    virtual = control.state()
    codes = {plan.code_of(item): item for item in plan.THINGS}
    found = Device.objects.visible_to(user).filter(code__in=codes, compound__demo=True).select_related("compound")
    by_key = {codes[device.code].key: device for device in found}
    return [_line(item, by_key[item.key], virtual.get(item.key)) for item in _as_tree() if item.key in by_key]


def _as_tree() -> Iterator[plan.Thing]:
    """The plan with what hangs on a thing right below it."""
    for item in plan.THINGS:
        if not item.parent:
            yield item
            yield from (below for below in plan.THINGS if below.parent == item.key)


def _line(item: plan.Thing, device: Device, virtual: Virtual | None) -> Line:
    faults = [] if virtual is None else [_title(name) for name in virtual.faults if name in _BY_FAULT]
    return Line(device, item.key, virtual, knobs_of(item), faults)


def _title(fault: str) -> str:
    return str(_(_BY_FAULT[fault].title))


def intervals() -> dict[str, Policy]:
    """The demo's intervals beside production's."""
    names = [item.name for item in fields(Policy)]
    rules = PolicyRule.objects.filter(demo=True).values(*names)
    return {"demo": resolve(rules), "production": Policy()}
