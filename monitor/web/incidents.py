"""Incidents: the list, and one of them (what a mail leads to)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from monitor.causes import Category
from monitor.models import Incident
from monitor.overview.incidents import Asked, incident_list, incident_page
from monitor.web.access import SignedIn, page, partial


@page
def incidents(request: SignedIn) -> HttpResponse:
    """Open incidents by consequence, or ended ones, the newest first."""
    shown = incident_list(request.user, Asked.read(request.GET.dict()))
    return render(request, "incidents/list.html", {"list": shown, "categories": list(Category)})


@page
def incident(request: SignedIn, pk: int) -> HttpResponse:
    """One incident."""
    related = ("device__compound", "device__slot")
    found = get_object_or_404(Incident.objects.visible_to(request.user).select_related(*related), pk=pk)
    shown = incident_page(request.user, found)
    return render(request, partial(request, "incidents/incident.html"), {"page": shown})
