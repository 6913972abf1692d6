"""The buttons beside a camera's picture, and the list of what waits for the police."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from devices.models import Device
from monitor.models import Proposal
from monitor.overview import proposals, references
from monitor.overview.acts import Act
from monitor.overview.voices import Voice, voice_of
from monitor.web.access import SignedIn, View, decision, page

DONE: Mapping[str, Promise] = {
    Act.ACCEPT: gettext_lazy("This view is the reference now; the next look is compared with it."),
    Act.FINE: gettext_lazy(
        "Learned: this picture is normal. The next looks decide whether the fault has come to an end."
    ),
    Act.FAULT: gettext_lazy(
        "Noted: if pictures like this one were learned, they are forgotten. The next looks are judged accordingly."
    ),
    Act.ANEW: gettext_lazy("The camera learns anew, beginning with the references in force."),
}
WHY_NOT: Mapping[type[references.NotAcceptable], Promise] = {
    references.Outdated: gettext_lazy("Not done: the picture is too old to show what the camera sees. Look again."),
    references.Doubtful: gettext_lazy(
        "Not accepted: the platform sees a fault. Confirm that the camera looks as it should."
    ),
    references.Unconfirmed: gettext_lazy("Not done: confirm that the camera shall forget what it has learned."),
    references.Needless: gettext_lazy("Nothing to teach: the platform judges this picture so already."),
    references.Unlearned: gettext_lazy(
        "Not done: too little is learned of this phase yet. Accept a reference of it first."
    ),
    references.NotAcceptable: gettext_lazy("Not done: the picture is gone, or another came meanwhile. Look again."),
    proposals.AlreadyProposed: gettext_lazy("The same proposal waits for the police already."),
    proposals.AlreadyDecided: gettext_lazy("Somebody else has decided this proposal meanwhile."),
    proposals.Overtaken: gettext_lazy("Not granted: the reference was replaced meanwhile. Compare again."),
}


class PressForm(forms.Form):
    """What goes with a press: the picture that was seen, a confirmation, and a contractor's note."""

    version = forms.CharField(required=False, max_length=64)
    confirmed = forms.BooleanField(required=False)
    note = forms.CharField(required=False, max_length=160, strip=True)


class RefuseForm(forms.Form):
    """Why a proposal is refused: whoever proposed it must be able to do better."""

    reason = forms.CharField(max_length=160, strip=True)


def button(act: Act) -> View:
    """The view of one button beside the picture: done at once, or proposed, by whose press it is."""

    @require_POST
    @page
    def pressed(request: SignedIn, pk: int) -> HttpResponse:
        device = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
        if voice_of(request.user, device) is Voice.NONE:
            raise PermissionDenied
        form = PressForm(request.POST)
        if form.is_valid():
            _press(request, act, device, form)
        else:
            messages.error(request, _("The note is too long: 160 characters at most."))
        return redirect("device", pk)

    return pressed


def _press(request: SignedIn, act: Act, device: Device, form: PressForm) -> None:
    given, now = form.cleaned_data, timezone.now()
    try:
        proposed = proposals.press(
            act, device, request.user, now, given["version"], confirmed=given["confirmed"], note=given["note"]
        )
    except proposals.NotYours:
        raise PermissionDenied from None
    except references.NotAcceptable as error:
        messages.error(request, str(WHY_NOT[type(error)]))
        return
    told = _("Proposed to the police; the picture is kept until they decide.") if proposed else str(DONE[act])
    messages.success(request, told)


@page
def waiting(request: SignedIn) -> HttpResponse:
    """What waits for this person, with old and new side by side; empty for who decides nothing."""
    return render(request, "proposals/waiting.html", {"waiting": proposals.waiting_for(request.user)})


@decision
def grant(request: SignedIn, pk: int) -> HttpResponse:
    """Do what was proposed."""
    found, reference = _visible(request, pk), request.POST.get("reference", "")
    told = _("Granted. %(done)s") % {"done": DONE[found.act]}
    return _decide(request, lambda: proposals.grant(found.pk, request.user, timezone.now(), reference), told)


@decision
def refuse(request: SignedIn, pk: int) -> HttpResponse:
    """Leave it as it is, with a reason."""
    found, form = _visible(request, pk), RefuseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A refusal needs a reason of at most 160 characters."))
        return redirect("waiting")
    reason, told = form.cleaned_data["reason"], _("Refused; the reason stands on the device's page.")
    return _decide(request, lambda: proposals.refuse(found.pk, request.user, timezone.now(), reason), told)


def _visible(request: SignedIn, pk: int) -> Proposal:
    visible = Device.objects.visible_to(request.user)
    return get_object_or_404(Proposal.objects.filter(device__in=visible), pk=pk)


def _decide(request: SignedIn, doing: Callable[[], object], told: str) -> HttpResponse:
    try:
        doing()
    except proposals.NotYours:
        raise PermissionDenied from None
    except references.NotAcceptable as error:
        messages.error(request, str(WHY_NOT[type(error)]))
    else:
        messages.success(request, told)
    return redirect("waiting")
