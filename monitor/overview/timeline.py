"""What happened to a device today, the newest first: what was observed, who was told, what people did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from devices.models import Device
from monitor import words
from monitor.causes import CAUSES
from monitor.health import State
from monitor.models import Event, Look, Notification, Proposal, Transition
from monitor.overview.acts import VIEW_ACTS, Act, Done, acts_on
from monitor.overview.aspects import NAMES
from monitor.overview.standing import CSS
from monitor.wire import Aspect

# A flapping device fills a day; older entries are in the incident list.
SHOWN = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, shape and colour, what, and a lesser line."""

    at: datetime
    css: str
    text: str
    aside: str = ""


def timeline(device: Device, since: datetime) -> list[Entry]:
    """Everything that happened to a device from an instant on."""
    entries = [*_observed(device, since), *_told(device, since), *_done(device, since), *_looks(device, since)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:SHOWN]


def _observed(device: Device, since: datetime) -> Iterable[Entry]:
    """Transitions, those that one look or one silence made of several aspects as one entry."""
    rows = Transition.objects.filter(device=device, decided_at__gte=since).order_by("-decided_at", "-pk")
    together: dict[tuple[datetime, str, str], list[Transition]] = {}
    for row in rows[: SHOWN * len(Aspect)]:
        together.setdefault((row.decided_at, row.now, row.cause), []).append(row)
    return [_transition(group) for group in together.values()]


def _transition(group: Sequence[Transition]) -> Entry:
    row = group[0]
    names = pgettext("between names", ", ").join(str(NAMES[Aspect(item.aspect)]) for item in reversed(group))
    cause = words.title(row.cause)
    if row.now == State.SUSPECT:
        return Entry(row.decided_at, "sus", _("Suspected: %(cause)s") % {"cause": cause}, names)
    if row.now == State.FAULTY:
        began = _("%(aspect)s; it counts from %(at)s") % {"aspect": names, "at": words.clock(row.at)}
        css = CSS[CAUSES[row.cause].category] if row.cause in CAUSES else "unk"
        return Entry(row.decided_at, css, _("Confirmed: %(cause)s") % {"cause": cause}, began)
    if row.now == State.RECOVERING:
        return Entry(row.decided_at, "ok", _("Good again, not yet confirmed"), names)
    if row.now == State.UNKNOWN:
        why = _("%(aspects)s: %(why)s") % {"aspects": names, "why": words.unknown(row.cause)}
        return Entry(row.decided_at, "unk", _("Not known any more"), why)
    return Entry(row.decided_at, "ok", _back_to_normal(row), names)


def _back_to_normal(row: Transition) -> str:
    if row.was == State.SUSPECT:
        return _("The suspicion was not confirmed")
    if row.was == State.UNKNOWN:
        return _("Looked at: normal")
    return _("Recovered, true since %(at)s") % {"at": words.clock(row.at)}


def _told(device: Device, since: datetime) -> Iterable[Entry]:
    rows = (
        Notification.objects.filter(event__incident__device=device, sent_at__gte=since)
        .values("event_id", "event__kind", "event__incident__cause")
        .annotate(people=Count("pk"), at=Max("sent_at"))
    )
    told = [(row["at"], _mail(row["event__kind"], row["people"]), row["event__incident__cause"]) for row in rows]
    return [Entry(at, "ink", text, words.title(cause)) for at, text, cause in told]


def _mail(kind: str, people: int) -> str:
    if kind == Event.Kind.CLOSED:
        return ngettext("Recovery mailed to %(n)s person", "Recovery mailed to %(n)s people", people) % {"n": people}
    return ngettext("Fault mailed to %(n)s person", "Fault mailed to %(n)s people", people) % {"n": people}


def _done(device: Device, since: datetime) -> Iterable[Entry]:
    return [Entry(done.at, "ink", _act(done), _aside(done)) for done in acts_on(device, since)]


def _aside(done: Done) -> str:
    """The lesser line of an act: a reason, a note, or by whom it was proposed."""
    if done.act is Act.GRANT:
        return _("proposed by %(who)s") % {"who": done.about}
    return "" if done.act in VIEW_ACTS else done.about


def _act(done: Done) -> str:
    text = {
        Act.PAUSE: _("%(who)s paused the polling"),
        Act.RESUME: _("%(who)s resumed the polling"),
        Act.ACCEPT: _("%(who)s accepted the view as reference"),
        Act.FINE: _("%(who)s taught: this is fine"),
        Act.FAULT: _("%(who)s taught: this is a fault"),
        Act.ANEW: _("%(who)s let the camera learn anew"),
        Act.PROPOSE: _("%(who)s proposed: %(what)s"),
        Act.GRANT: _("%(who)s granted: %(what)s"),
        Act.REFUSE: _("%(who)s refused: %(what)s"),
    }[done.act]
    return text % {"who": done.who, "what": Proposal.Act(done.of).label if done.of else ""}


def _looks(device: Device, since: datetime) -> Iterable[Entry]:
    rows = Look.objects.filter(device=device, asked_at__gte=since).select_related("asked_by").order_by("-asked_at")
    told = _("%(who)s looked again")
    return [Entry(row.asked_at, "ink", told % {"who": row.asked_by or "–"}) for row in rows[:SHOWN]]
