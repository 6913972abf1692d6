"""The first page, by what a person does."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from monitor.overview.home import home as police_home
from monitor.overview.people import Home, whose
from monitor.overview.tasks import tasks
from monitor.web.access import SignedIn, page, partial


@page
def home(request: SignedIn) -> HttpResponse:
    """What can be seen, for the police and owners; what is to mend, for contractors."""
    now, mine = timezone.now(), whose(request.user)
    if mine.home is Home.POLICE:
        shown = police_home(request.user, now, all_compounds="compounds" in request.GET)
        return render(request, partial(request, "home/police.html"), {"home": shown, "mine": mine})
    todo = tasks(request.user, now, proofs=mine.home is Home.CONTRACTOR)
    return render(request, partial(request, f"home/{mine.home}.html"), {"todo": todo, "mine": mine})
