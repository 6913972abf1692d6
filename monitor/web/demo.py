"""The demo's own pages: its knobs, the counter from press to mail, the mails that were caught, and its removal."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from devices.models import Device
from devices.visibility import sees_everything
from monitor.models import Incident, Schedule
from monitor.quickstart.demo import control, controls, mails, remove
from monitor.quickstart.demo.timing import Press, aspect_of, timing
from monitor.web.access import SignedIn, page

P = ParamSpec("P")
View = Callable[Concatenate[SignedIn, P], HttpResponseBase]
PRESS = "demo_press"


def player(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page for who may turn the demo's knobs; there is no such page for others, nor outside the demo."""

    @page
    @wraps(view)
    def checked(request: SignedIn, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not controls.may_play(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return checked


# -- knobs


@require_GET
@player
def knobs(request: SignedIn) -> HttpResponse:
    """All virtual devices with what is wrong with them."""
    try:
        lines, silent = controls.lines(request.user), False
    except control.ControlError:
        lines, silent = [], True
    context = {"lines": lines, "silent": silent, "may_remove": sees_everything(request.user)}
    return render(request, "demo/knobs.html", context)


@require_POST
@player
def act(request: SignedIn) -> HttpResponse:
    """A button of the bar: break something, or put right what was broken last."""
    name = request.POST.get("act", "")
    if name == "mend":
        return _mend_last(request)
    chosen = next((item for item in controls.ACTS if item.name == name), None)
    if chosen is None:
        raise Http404
    return _turn(request, chosen.key, chosen.fault, on=True)


@require_POST
@player
def turn(request: SignedIn, key: str) -> HttpResponse:
    """Set one fault of a device, take it away, or put the device right."""
    if "mend" in request.POST:
        return _mend(request, key)
    if "unset" in request.POST:
        return _turn(request, key, request.POST["unset"], on=False)
    return _turn(request, key, request.POST.get("set") or request.POST.get("fault", ""), on=True)


def _turn(request: SignedIn, key: str, fault: str, *, on: bool) -> HttpResponse:
    device, knob = controls.device_of(request.user, key), controls.knob(fault)
    if device is None or knob is None:
        raise Http404
    press = Press(device.pk, aspect_of(fault), mends=not on, at=timezone.now())
    try:
        control.set_faults(key, {fault: knob.value if on else None})
    except control.ControlError as error:
        return _say_silent(request, error)
    return _pressed(request, device, key, press)


def _mend_last(request: SignedIn) -> HttpResponse:
    key = request.session.get(PRESS, {}).get("key")
    return _mend(request, key) if isinstance(key, str) else redirect("demo")


def _mend(request: SignedIn, key: str) -> HttpResponse:
    device = controls.device_of(request.user, key)
    if device is None:
        raise Http404
    now = timezone.now()
    try:
        faults = control.state()[key].faults
        control.clear(key)
    except (control.ControlError, KeyError) as error:
        return _say_silent(request, error)
    aspect = _mended(device, faults)
    if not aspect:
        messages.info(request, _("There is nothing to put right at this device."))
        return redirect("device", device.pk)
    return _pressed(request, device, key, Press(device.pk, aspect, mends=True, at=now))


def _mended(device: Device, faults: object) -> str:
    """The aspect in which the mending will show: that of the open incident, else of a fault that was set, else ""."""
    open_one = Incident.objects.open().filter(device=device).order_by("started_at").first()
    if open_one is not None:
        return open_one.aspect
    names = list(faults) if isinstance(faults, dict) else []
    return aspect_of(names[0]) if names else ""


def _pressed(request: SignedIn, device: Device, key: str, press: Press) -> HttpResponse:
    """Let the counter run, let logins be tried again at once, and open the page where it will show."""
    request.session[PRESS] = {**press.as_json(), "key": key}
    Schedule.objects.filter(endpoint=device.endpoint_id).update(hold_until=None, hold_cause="", holds=0)
    return redirect("device", device.pk)


def _say_silent(request: SignedIn, _error: Exception) -> HttpResponse:
    messages.error(request, _("The virtual cameras do not answer; is “make run” still running?"))
    return redirect("demo")


# -- the counter


@require_GET
@player
def counter(request: SignedIn) -> HttpResponse:
    """Instants after the last press, as seconds since it; null until they have come."""
    kept = request.session.get(PRESS)
    if not kept:
        return JsonResponse({"pressed": False})
    press = Press.from_json(kept)
    if not Device.objects.visible_to(request.user).filter(pk=press.device_id).exists():
        raise Http404
    found = timing(press)
    instants = {"suspect": found.suspect_at, "flagged": found.flagged_at, "mailed": found.mailed_at}
    seconds = {name: (at - press.at).total_seconds() if at else None for name, at in instants.items()}
    now = (timezone.now() - press.at).total_seconds()
    return JsonResponse({"pressed": True, "mends": press.mends, "now": now, "untold": found.untold, **seconds})


# -- mails


@require_GET
@player
def mail_list(request: SignedIn) -> HttpResponse:
    """The caught mails that this person may read."""
    return render(request, "demo/mails.html", {"mails": mails.mails(request.user)})


@require_GET
@player
def mail_page(request: SignedIn, name: str) -> HttpResponse:
    """One mail: its head, its HTML in a frame of its own, its plain text."""
    return render(request, "demo/mail.html", {"mail": _mail(request, name)})


@require_GET
@xframe_options_sameorigin
@csp(  # type: ignore[arg-type]  # its type knows views without arguments only
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "frame-ancestors": [SELF],
        "form-action": [NONE],
        "sandbox": ["allow-top-navigation-by-user-activation"],
    }
)
@player
def mail_html(request: SignedIn, name: str) -> HttpResponse:
    """The HTML of a mail alone: it styles itself inline, as mails must, and may do nothing else."""
    return HttpResponse('<base target="_top">' + _mail(request, name).html)


def _mail(request: SignedIn, name: str) -> mails.Mail:
    found = mails.mail(request.user, name)
    if found is None:
        raise Http404
    return found


# -- removal


@page
def removal(request: SignedIn) -> HttpResponse:
    """Ask, then remove the demo's rows and files; administrators only, also when the demo no longer runs."""
    running = settings.VIEWKEEPER_DEMO
    if not (controls.may_play(request.user) if running else remove.is_left_for(request.user)):
        raise Http404
    if not sees_everything(request.user):
        raise PermissionDenied
    if request.method != "POST":
        told = {"counts": remove.counts(), "leaves": request.user.demo, "running": running}
        return render(request, "demo/remove.html", told)
    leaves = request.user.demo
    remove.remove()
    if leaves:
        logout(request)
        return redirect("login")
    request.session.pop(PRESS, None)
    messages.success(request, _("The demo is removed."))
    return redirect("home")


urlpatterns = [
    path("", knobs, name="demo"),
    path("act/", act, name="demo-act"),
    path("turn/<slug:key>/", turn, name="demo-turn"),
    path("counter/", counter, name="demo-counter"),
    path("mail/", mail_list, name="demo-mails"),
    path("mail/<str:name>/", mail_page, name="demo-mail"),
    path("mail/<str:name>/page/", mail_html, name="demo-mail-html"),
    path("remove/", removal, name="demo-remove"),
]
