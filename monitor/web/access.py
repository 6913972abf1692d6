"""Who may open a page at all: signed-in people, and for decisions only those who act for the police."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from devices.models import User
from monitor.overview.people import may_decide


class SignedIn(HttpRequest):
    """A request of somebody who has signed in, for type checkers."""

    user: User


View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """A page for signed-in people. A live part whose session has ended reloads the page instead of emptying it."""

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if is_live(request):
            return HttpResponseClientRefresh()
        return redirect_to_login(request.get_full_path())

    return checked


def decision(view: View) -> View:
    """An act that only the police may do, by POST."""

    @wraps(view)
    def checked(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_decide(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return require_POST(page(checked))


def is_live(request: HttpRequest) -> bool:
    """Whether a page asks for its live part again."""
    return bool(getattr(request, "htmx", False))


def partial(request: HttpRequest, template: str) -> str:
    """The template to render: the live part alone when the page asks for itself again."""
    return template.replace(".html", "_live.html") if is_live(request) else template
