"""Devices: the list, one compound, one device."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from devices.models import Compound, Device, Kind
from monitor.overview.compound import compound_page
from monitor.overview.device import device_page
from monitor.overview.listing import Filter, listing
from monitor.overview.people import may_decide
from monitor.overview.readings import last_readings
from monitor.web.access import SignedIn, page, partial


@page
def devices(request: SignedIn) -> HttpResponse:
    """The list of devices, narrowed by what is asked for."""
    shown = listing(request.user, Filter.read(request.GET.dict()), timezone.now())
    told = {"list": shown, "kinds": Kind.choices, "mine_decides": may_decide(request.user)}
    return render(request, "devices/list.html", told)


@page
def compound(request: SignedIn, pk: int) -> HttpResponse:
    """One compound."""
    found = get_object_or_404(Compound.objects.visible_to(request.user).select_related("district"), pk=pk)
    shown = compound_page(request.user, found, timezone.now())
    return render(request, partial(request, "compounds/compound.html"), {"page": shown})


@page
def device(request: SignedIn, pk: int) -> HttpResponse:
    """One device."""
    found = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    shown = device_page(request.user, found, timezone.now())
    # They stand outside the live part, so that whoever reads them is not disturbed.
    template = partial(request, "devices/device.html")
    readings = last_readings(found) if template == "devices/device.html" else ()
    return render(request, template, {"page": shown, "readings": readings})
