"""The page of those who run the platform."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from monitor.overview.operators import operators as operators_page
from monitor.overview.people import may_operate
from monitor.web.access import SignedIn, page, partial


@page
def operators(request: SignedIn) -> HttpResponse:
    """How the platform itself is; for its administrators only."""
    if not may_operate(request.user):
        raise PermissionDenied
    shown = operators_page(timezone.now())
    return render(request, partial(request, "operators/operators.html"), {"page": shown})
