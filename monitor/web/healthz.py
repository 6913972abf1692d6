"""Whether the platform itself is well: for the machine's own watchers, without a login, with nothing secret in it."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from monitor.overview.wellbeing import wellbeing


@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """What `wellbeing` finds; 503 when nobody watches the devices."""
    told = wellbeing(timezone.now())
    return JsonResponse(told, status=200 if told["ok"] else 503)
