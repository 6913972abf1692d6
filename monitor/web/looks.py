"""A person's look at a device: asked for here, answered by a worker step by step (DESIGN, decision 21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from devices.models import Device, User
from devices.models.kinds import CAMERAS
from devices.registering import may_change_login
from monitor import words
from monitor.causes import CAUSES
from monitor.models import DeviceState, Look, LookStep
from monitor.models.states import ASPECTS
from monitor.tasks import LOOK_LIFE_S
from monitor.tasks import look as look_task
from monitor.vision.judge import NO_REFERENCE
from monitor.web.access import SignedIn, page
from monitor.wire import Aspect, Verdict

# A person who presses twice gets the same look; devices are not to be hammered.
PAUSE = timedelta(seconds=5)
# After this long without an answer the page says what may be wrong.
PATIENCE = timedelta(seconds=20)
# A look older than this is over, whether a worker closed its row or not.
LIFE = timedelta(seconds=LOOK_LIFE_S)
# What a look asks for; recordings are asked for apart.
ASKED = (Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY)
_SHAPES = {Verdict.OK: "ok", Verdict.UNKNOWN: "unk"}
_CATEGORY_CSS = {"offline": "off", "obstructed": "pic", "picture": "pic", "login": "login"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One aspect as the look found it: its verdict as shape, word and colour, and a sentence."""

    title: str
    css: str
    word: str
    sentence: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the look made."""

    what: str
    address: str
    took_ms: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A look as its page shows it."""

    look: Look
    facts: list[Fact]
    calls: list[Call]
    phase: str
    sentence: str
    state: DeviceState | None

    @property
    def wants_login(self) -> bool:
        """Whether a new login is what helps."""
        return self.over and self.sentence.startswith(words.sentence("login_refused", {}))

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ("done", "failed")


# -- asking


def begin(device: Device, user: User) -> Look:
    """Ask for a look, or give the one that is open or only just over."""
    with transaction.atomic():
        # One at a time: whoever asks at the same moment waits for this row and finds the other's look.
        Device.objects.select_for_update(of=("self",)).get(pk=device.pk)
        now = timezone.now()
        recent = Look.objects.filter(device=device, asked_at__gt=now - LIFE).order_by("-asked_at", "-pk").first()
        if recent is not None and (recent.finished_at is None or recent.asked_at > now - PAUSE):
            return recent
        look = Look.objects.create(device=device, asked_by=user)
        look_task.delay_on_commit(look.pk)
    return look


@require_POST
@page
def start(request: SignedIn, pk: int) -> HttpResponse:
    """Look at a device now; anyone who may see it may ask."""
    device = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    if device.endpoint_id is None:
        messages.error(request, _("This device has no address in the register, so there is nothing to look at."))
        return redirect("device", device.pk)
    return redirect("look", begin(device, request.user).pk)


# -- following


@require_GET
@page
def follow(request: SignedIn, pk: int) -> HttpResponse:
    """The look as far as it has come; the page asks again until it is over."""
    visible = Look.objects.filter(device__in=Device.objects.visible_to(request.user))
    look = get_object_or_404(visible.select_related("device__compound", "device__endpoint"), pk=pk)
    template = "looks/progress.html" if getattr(request, "htmx", False) else "looks/look.html"
    context = {
        "progress": progress(look, timezone.now()),
        "may_change_login": may_change_login(request.user, look.device),
    }
    return render(request, template, context)


def progress(look: Look, now: datetime) -> Progress:
    """Everything the page of a look shows."""
    steps = list(look.steps.all())
    phase = _phase(look, steps, now)
    state = DeviceState.objects.filter(device=look.device_id).first() if phase == "done" else None
    found = _facts(steps, look.device.kind if phase == "done" else "")
    calls = [_call(step.request) for step in steps if step.request]
    return Progress(look, found, calls, phase, _sentence(look, phase, steps, now), state)


def _phase(look: Look, steps: list[LookStep], now: datetime) -> str:
    if look.finished_at is not None:
        return "done" if look.outcome == "done" or (steps and look.outcome == "refused") else "failed"
    if now - look.asked_at > LIFE:
        return "failed"
    if steps:
        return "looking"
    if now - look.asked_at > PATIENCE:
        return "late"
    return "sent" if look.sent_at is not None else "waiting"


def _facts(steps: list[LookStep], kind: str) -> list[Fact]:
    """The newest step of each aspect, in the order of the aspects.

    Of a look that is over (`kind` is its device's) every fact is named: what was not come to is unknown, and says why.
    """
    newest = {step.aspect: step for step in steps if step.aspect}
    if kind and newest:
        missing = [aspect for aspect in ASKED if aspect not in newest]
        why = {aspect: _why_missing(newest, aspect, kind) for aspect in missing}
        newest |= {aspect: LookStep(aspect=aspect, verdict=Verdict.UNKNOWN, cause=why[aspect]) for aspect in missing}
    return [_fact(str(title), newest[aspect]) for aspect, title in ASPECTS if aspect in newest]


def _why_missing(newest: Mapping[str, LookStep], aspect: Aspect, kind: str) -> str:
    """Why a look did not come to a fact: link or login ended it, the device has nothing of the kind, or time was up."""
    link, access = newest.get(Aspect.LINK), newest.get(Aspect.ACCESS)
    if link is not None and link.verdict == Verdict.FAULTY:
        return "link_down"
    if access is not None and access.verdict == Verdict.FAULTY:
        return "login_held"
    only_link = newest.keys() == {Aspect.LINK} and kind not in CAMERAS
    return "not_offered" if only_link or (aspect is Aspect.PICTURE and kind not in CAMERAS) else "late"


def _fact(title: str, step: LookStep) -> Fact:
    if step.verdict == Verdict.OK:
        return Fact(title, "ok", _("Normal"), _measured(step.aspect, step.detail), "")
    if step.verdict == Verdict.FAULTY and step.cause in CAUSES:
        css = _CATEGORY_CSS[CAUSES[step.cause].category]
        sentence = words.sentence(step.cause, step.detail)
        return Fact(title, css, words.title(step.cause), sentence, words.next_step(step.cause, step.detail))
    if step.detail.get("reason") == NO_REFERENCE:
        told = _("The picture was taken, but cannot be compared: no reference view of this phase is accepted yet.")
        return Fact(title, "unk", _("Unknown"), told, "")
    return Fact(title, "unk", _("Unknown"), words.unknown(step.cause), "")


def _measured(aspect: str, detail: dict[str, Any]) -> str:
    """What a good step measured, in a sentence."""
    offset = detail.get("offset_s")
    if isinstance(offset, int | float) and abs(offset) >= 1:
        return _("The clock is %(offset)s; that is within the limit.") % {"offset": words.offset(float(offset))}
    if detail.get("model"):
        return " ".join(str(detail[name]) for name in ("manufacturer", "model", "firmware") if detail.get(name))
    if detail.get("width") and detail.get("height"):
        return _("A picture of %(width)s × %(height)s.") % {"width": detail["width"], "height": detail["height"]}
    plain = {
        Aspect.LINK: _("The device answers."),
        Aspect.ACCESS: _("The login works."),
        Aspect.CLOCK: _("The clock is right."),
        Aspect.RECORDING: _("Recordings are there."),
    }
    return plain.get(Aspect(aspect), "")


def _call(request: dict[str, Any]) -> Call:
    return Call(
        what=str(request.get("what", "")),
        address=str(request.get("address", "")),
        took_ms=float(request.get("took_ms", 0)),
        outcome=words.outcome(str(request.get("outcome", ""))),
    )


def _sentence(look: Look, phase: str, steps: list[LookStep], now: datetime) -> str:
    if phase == "waiting":
        return _("Waiting for the running visit to end.")
    if phase == "sent":
        return _("A worker has it; the device is being asked.")
    if phase == "looking":
        return _("Looking …")
    if phase == "late":
        return _("No worker has answered for %(duration)s.") % {
            "duration": words.duration((now - look.asked_at).total_seconds())
        }
    return _outcome(look, steps)


def _outcome(look: Look, steps: list[LookStep]) -> str:
    """The last word of a look."""
    newest = {step.aspect: step for step in steps if step.aspect}
    bad = [step for step in newest.values() if step.verdict == Verdict.FAULTY and step.cause in CAUSES]
    if bad:
        worst = min(bad, key=lambda step: CAUSES[step.cause].rank)
        return words.sentence(worst.cause, worst.detail)
    if any(step.cause == "login_held" for step in newest.values()):
        return words.sentence("login_refused", {})
    if newest:
        unknown = any(step.verdict == Verdict.UNKNOWN for step in newest.values())
        return _("What could be seen is in order.") if unknown else _("Everything is in order.")
    return _unseen(look.outcome)


def _unseen(outcome: str) -> str:
    """Why a look has shown nothing."""
    if outcome == "busy":
        return _("A visit of this address was under way all the time.")
    if outcome == "no_endpoint":
        return _("This device has no address in the register.")
    return words.blind(outcome) or _("The look was not answered.")


urlpatterns = [
    path("devices/<int:pk>/look/", start, name="look-start"),
    path("looks/<int:pk>/", follow, name="look"),
]
