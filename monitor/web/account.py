"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from devices.models import User

# A year: the choice of a language is no secret and nobody wants to make it again.
LANGUAGE_KEPT_S = 365 * 86_400


class SignIn(LoginView):
    """Sign in; the pages then speak the person's language, unless another was chosen in this browser before."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: object) -> HttpResponse:
        """Sign in, and set the language."""
        response = super().form_valid(form)  # type: ignore[arg-type]  # stubs: any AuthenticationForm
        if settings.LANGUAGE_COOKIE_NAME not in self.request.COOKIES and isinstance(self.request.user, User):
            _remember(response, self.request.user.language)
        return response


@require_POST
def language(request: HttpRequest) -> HttpResponseRedirect:
    """Speak another language, on the pages and, for who has signed in, in mails."""
    chosen = request.POST.get("language", "")
    response = redirect(_back(request))
    if chosen in User.Language.values:
        _remember(response, chosen)
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=chosen)
    return response


def _remember(response: HttpResponse, code: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=LANGUAGE_KEPT_S,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )


def _back(request: HttpRequest) -> str:
    """Where the person came from; never another site."""
    to = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return to if allowed else "/"
