"""What templates need to speak the product's words: durations, times, badges, shapes, and whose data it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from devices.models import Compound, Kind
from monitor import words
from monitor.causes import CAUSES, Category
from monitor.overview import people
from monitor.overview.standing import Group

register = template.Library()

# Shape and colour by category: always together, and never without the word (DESIGN, decision 19).
SHAPES = {Category.OFFLINE: "off", Category.OBSTRUCTED: "pic", Category.PICTURE: "pic", Category.LOGIN: "login"}
# Digits are set in groups of three from so many on.
_GROUPED_FROM = 10_000
# While a picture is young its time is told with seconds.
_SECONDS_TOLD_S = 3600


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time in words."""
    return "" if seconds is None else words.duration(seconds)


@register.filter
def ago_s(at: datetime | None) -> float:
    """Seconds since an instant."""
    return max(0.0, (timezone.now() - at).total_seconds()) if at else 0.0


@register.filter
def since(at: datetime | None) -> str:
    """How long ago an instant was: "12 s"."""
    return words.duration(ago_s(at)) if at else ""


@register.filter
def clock(at: datetime | None) -> str:
    """A time of day, with the date where that is not today."""
    return words.clock(at) if at else ""


@register.filter
def clock_s(at: datetime | None) -> str:
    """A time of day with seconds while it is fresh, else as `clock`."""
    if at is None:
        return ""
    return f"{timezone.localtime(at):%H:%M:%S}" if ago_s(at) < _SECONDS_TOLD_S else words.clock(at)


@register.filter
def grouped(number: float) -> str:
    """A whole number with its digits in groups of three, as one reads it."""
    whole = int(number)
    return f"{whole:,}".replace(",", "\u202f") if whole >= _GROUPED_FROM else str(whole)


@register.filter
def listed(names: Iterable[str]) -> str:
    """Names one after the other."""
    return pgettext("between names", ", ").join(names)


@register.filter
def cause_title(cause: str) -> str:
    """The short name of a cause."""
    return words.title(cause)


@register.filter
def cause_css(cause: str) -> str:
    """The status colour of a cause."""
    return SHAPES[CAUSES[cause].category] if cause in CAUSES else "unk"


@register.filter
def category_title(category: str) -> str:
    """The name of one of the four numbers."""
    return {
        Category.OFFLINE: _("Offline"),
        Category.OBSTRUCTED: _("Obstructed"),
        Category.PICTURE: _("Other picture faults"),
        Category.LOGIN: _("Login, clock, protocol"),
    }[Category(category)]


@register.filter
def category_css(category: str) -> str:
    """The status colour of one of the four numbers."""
    return SHAPES[Category(category)]


@register.filter
def group_title(group: str | None) -> str:
    """The name of what a list is narrowed to."""
    titles = {Group.CLEAR: _("Seen clearly"), Group.UNKNOWN: _("Unknown"), Group.PAUSED: _("Polling paused")}
    if not group:
        return ""
    return titles[Group(group)] if group in titles else category_title(group)


@register.filter
def kind_title(kind: str) -> str:
    """The name of a kind of device."""
    return str(Kind(kind).label)


@register.filter
def type_title(kind: str) -> str:
    """The name of a type of compound."""
    return str(Compound.Type(kind).label)


@register.filter
def phase_title(phase: str) -> str:
    """Day or night, as the picture tells, not the clock."""
    return {"day": _("day"), "night": _("night (IR)")}.get(phase, phase)


@register.filter
def kind_of_view(kind: str) -> str:
    """The name of a kind of normal view that a camera learns."""
    names = {"day": _("day"), "dusk": _("dusk"), "night": pgettext("a kind of view", "night")}
    return {**names, "infrared": _("night (IR)")}.get(kind, kind)


@register.filter
def percent(share: float) -> int:
    """A share in whole percent, cut and never rounded up."""
    return int(share * 100)


@register.filter
def blind_title(why: str) -> str:
    """Why the platform does not see into a zone."""
    return words.blind(why)


@register.filter
def blind_step(why: str) -> str:
    """What an operator does about it."""
    return words.blind_step(why)


@register.simple_tag
def shape(name: str) -> SafeString:
    """One of the status shapes of the sprite in the base page."""
    return format_html('<svg class="shape" aria-hidden="true"><use href="#{}"/></svg>', name)


@register.simple_tag
def badge(cause: str, *, past: bool = False) -> SafeString:
    """Shape, word and colour of a cause; a past one is not filled."""
    css = cause_css(cause)
    extra = " past" if past else ""
    return format_html('<span class="badge is-{}{}">{}{}</span>', css, extra, shape(css), words.title(cause))


@register.simple_tag
def mark(css: str, text: str) -> SafeString:
    """A badge of a status that is no cause: normal, unknown, suspected."""
    return format_html('<span class="badge is-{}">{}{}</span>', css, shape(css), text)


@register.simple_tag(takes_context=True)
def whose(context: template.Context) -> people.Whose | None:
    """Whose data the page shows; None before anybody has signed in."""
    user: Any = context.get("user")
    if "mine" in context:
        known: people.Whose = context["mine"]
        return known
    return people.whose(user) if user is not None and user.is_authenticated else None


@register.simple_tag
def apart() -> str:
    """What stands between two sentences: a space; in Chinese the full stop is wide enough."""
    return "" if (get_language() or "").startswith("zh") else " "


@register.simple_tag
def demo_mode() -> bool:
    """Whether this installation runs the demo."""
    return bool(settings.VIEWKEEPER_DEMO)


@register.simple_tag(takes_context=True)
def demo_bar(context: template.Context) -> str:
    """The demo's controls, in a demo and nowhere else."""
    user: Any = context.get("user")
    if not settings.VIEWKEEPER_DEMO or user is None or not user.is_authenticated:
        return ""
    known: dict[str, Any] = context.flatten()  # type: ignore[assignment]  # stubs: any kind of key
    return get_template("demo/bar.html").render(known, context.get("request"))


@register.simple_tag
def live_s() -> int:
    """Seconds between two refreshes of a live page: as fast as the demo's looks, calmer in production."""
    return 5 if settings.VIEWKEEPER_DEMO else 15
