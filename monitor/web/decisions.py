"""What the police decide about the polling of a device: pause and resume it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.models import Device
from monitor import schedule
from monitor.overview.acts import Act, log
from monitor.overview.people import may_decide_on
from monitor.web.access import SignedIn, decision


class PauseForm(forms.Form):
    """Why a device is not looked at for a while; a pause without a reason would be a hole in the data."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=160, strip=True)


@decision
def pause(request: SignedIn, pk: int) -> HttpResponse:
    """Stop polling a device, with a reason."""
    form = PauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A pause needs a reason."))
        return redirect("device", _visible(request, pk).pk)
    with transaction.atomic():
        device = _locked(request, pk)
        if not device.pause_reason:
            device.pause_reason = form.cleaned_data["reason"]
            device.paused_at, device.paused_by = timezone.now(), request.user
            device.save(update_fields=["pause_reason", "paused_at", "paused_by"])
            log(request.user, device, Act.PAUSE, device.pause_reason)
            _reschedule(device)
    messages.success(request, _("Polling is paused."))
    return redirect("device", pk)


@decision
def resume(request: SignedIn, pk: int) -> HttpResponse:
    """Poll a device again."""
    with transaction.atomic():
        device = _locked(request, pk)
        if device.pause_reason:
            reason, device.pause_reason = device.pause_reason, ""
            device.paused_at = device.paused_by = None
            device.save(update_fields=["pause_reason", "paused_at", "paused_by"])
            log(request.user, device, Act.RESUME, reason)
            _reschedule(device)
    messages.success(request, _("Polling goes on."))
    return redirect("device", pk)


def _visible(request: SignedIn, pk: int) -> Device:
    """The device, where this person may see it and decide on it."""
    device = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    if not may_decide_on(request.user, device):
        raise PermissionDenied
    return device


def _locked(request: SignedIn, pk: int) -> Device:
    chosen = _visible(request, pk)
    return get_object_or_404(Device.objects.select_for_update(of=("self",)), pk=chosen.pk)


def _reschedule(device: Device) -> None:
    if device.endpoint_id is not None:
        schedule.sync(timezone.now(), [device.endpoint_id])
