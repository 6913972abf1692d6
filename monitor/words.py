"""The words of pages and mails: causes, durations, shares, in the reader's language.

Percentages and durations are cut, never rounded up; times are Beijing time in 24 h.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from monitor import causes
from monitor.causes import CAUSES, UNKNOWN_OURS, UNKNOWN_THEIRS

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
# A share in words, by its nearest tenth.
TENTHS = (
    gettext_lazy("less than a tenth"),
    gettext_lazy("one tenth"),
    gettext_lazy("two tenths"),
    gettext_lazy("three tenths"),
    gettext_lazy("four tenths"),
    gettext_lazy("half"),
    gettext_lazy("six tenths"),
    gettext_lazy("seven tenths"),
    gettext_lazy("eight tenths"),
    gettext_lazy("nine tenths"),
    gettext_lazy("all"),
)


def title(cause: str) -> str:
    """The short name of a cause, as on a badge."""
    return _(CAUSES[cause].title) if cause in CAUSES else unknown(cause)


def outcome(told: str) -> str:
    """What came of a request: a cause in words, or the status that HTTP gave it."""
    return title(told) if told in CAUSES else told


def sentence(cause: str, detail: Mapping[str, Any]) -> str:
    """What was seen, for a technician."""
    if cause not in CAUSES:
        return unknown(cause)
    try:
        spoken = _spoken(detail)
        return _between().join(_(text) % spoken for text in causes.sentences(cause, spoken))
    except (KeyError, TypeError, ValueError):  # a detail that an older or newer collector writes otherwise
        return title(cause)


def next_step(cause: str, detail: Mapping[str, Any] | None = None) -> str:
    """What to do about it, in the words of the device's maker where they are known."""
    return _(causes.next_step(cause, detail or {})) if cause in CAUSES else ""


def unknown(why: str) -> str:
    """Why something is not known, and whose that is."""
    text = UNKNOWN_OURS.get(why) or UNKNOWN_THEIRS.get(why)
    return _(text) if text else _("Unknown")


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "1 h 17 min", "47 min", "12 s"."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // DAY_S, whole % DAY_S // HOUR_S, whole % HOUR_S // MINUTE_S
    if days:
        told = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
        return f"{told} {_('%(n)s h') % {'n': hours}}" if hours else told
    if hours:
        told = _("%(n)s h") % {"n": hours}
        return f"{told} {_('%(n)s min') % {'n': minutes}}" if minutes else told
    if minutes:
        return _("%(n)s min") % {"n": minutes}
    return _("%(n)s s") % {"n": whole}


def _between() -> str:
    """What stands between two sentences: a space; in Chinese the full stop is wide enough."""
    return "" if (get_language() or "").startswith("zh") else " "


def share(part: float) -> str:
    """A share in tenths, as one says it: "about six tenths"."""
    return str(TENTHS[min(10, max(0, int(part * 10 + 0.5)))])


def offset(seconds: float) -> str:
    """How far a clock is off, and which way."""
    if seconds >= 0:
        return _("%(duration)s fast") % {"duration": duration(seconds)}
    return _("%(duration)s slow") % {"duration": duration(-seconds)}


def clock(at: datetime, now: datetime | None = None) -> str:
    """A time of day; with the date before it when that is not today."""
    here, today = timezone.localtime(at), timezone.localtime(now or timezone.now()).date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%m-%d %H:%M}"


def _spoken(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a sentence, with the measured ones put into words."""
    spoken = dict(detail)
    if "share" in detail:
        spoken["share"] = share(float(detail["share"]))
    if "hours" in detail:  # a time zone: whole hours, whatever the clock drifts besides
        spoken["offset"] = offset(float(detail["hours"]) * HOUR_S)
    elif "offset_s" in detail:
        spoken["offset"] = offset(float(detail["offset_s"]))
    if "wait_s" in detail:
        spoken["wait"] = duration(float(detail["wait_s"]))
    return spoken


# Why the platform does not see into a zone, and what an operator does about it.
BLIND = {
    "no_report": (
        gettext_lazy("Nothing came back from the collector."),
        gettext_lazy("Look whether the collector runs and reaches the broker."),
    ),
    "canary_lost": (
        gettext_lazy("The collector works but does not reach the zone's canaries."),
        gettext_lazy("Look at the collector's network; if a canary was taken away, enter another one for the zone."),
    ),
    "slow": (
        gettext_lazy("The collector is too busy to be believed."),
        gettext_lazy("Give the collector more processors, or look what else uses them."),
    ),
    "no_key": (
        gettext_lazy("The platform has no key for this zone and asks nothing there."),
        gettext_lazy("Enter the zone's key in VIEWKEEPER_ZONE_KEYS and restart the workers."),
    ),
}


def blind(why: str) -> str:
    """Why the platform does not see into a zone."""
    return str(BLIND[why][0]) if why in BLIND else ""


def blind_step(why: str) -> str:
    """What an operator does about a zone that the platform does not see into."""
    return str(BLIND[why][1]) if why in BLIND else ""


def reached() -> str:
    """What a visit that found nothing wrong came to."""
    return _("Reached")
