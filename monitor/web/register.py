"""Taking devices into the register: one by hand, many by CSV; and entering a device's login."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET

from devices import importing
from devices.import_rows import COLUMNS, MAX_BYTES
from devices.models import Compound, Device, District, Kind, User, Zone
from devices.models.kinds import INFRASTRUCTURE
from devices.registering import (
    LARGEST_PORT,
    Entry,
    Refused,
    change_login,
    compounds_to_change,
    districts_to_change,
    may_change_login,
    may_register,
    register,
    username_of,
)
from devices.secrets import decrypt, encrypt
from monitor import schedule
from monitor.models import Schedule
from monitor.web.access import SignedIn, page
from monitor.web.looks import begin

# Between the dry run of an import and its confirmation. Seconds.
DRY_RUN_KEPT_S = 1800
# Mistakes shown on one page; more are counted.
MISTAKES_SHOWN = 200
NEW_COMPOUND = "new"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class DeviceForm(forms.Form):
    """What a person enters for one device; `registering` checks what belongs together."""

    compound = forms.ChoiceField(label=_("Compound"))
    new_compound = forms.CharField(label=_("Name of the new compound"), max_length=80, required=False)
    new_type = forms.ChoiceField(label=_("Its type"), choices=Compound.Type.choices, required=False)
    new_district = forms.ModelChoiceField(District.objects.none(), label=_("Its district"), required=False)
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What people call it: “North gate, camera 2”."))
    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices)
    address = forms.CharField(
        label=_("Address"),
        max_length=300,
        required=False,
        help_text=_("192.0.2.10, 192.0.2.10:8080 or http://192.0.2.10/ — a recorder's channel needs none."),
    )
    username = forms.CharField(label=_("User name"), max_length=80, required=False)
    password = forms.CharField(
        label=_("Password"), max_length=200, required=False, strip=False, widget=forms.PasswordInput
    )
    parent = forms.ModelChoiceField(
        Device.objects.none(),
        label=_("Hangs on"),
        required=False,
        help_text=_("The switch, ONU or recorder that takes it down with it."),
    )
    channel = forms.IntegerField(
        label=_("Channel"),
        min_value=0,
        max_value=1024,
        required=False,
        help_text=_("only for a camera behind a recorder; channels count from 1"),
    )
    zone = forms.ModelChoiceField(Zone.objects.none(), label=_("Network"), required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.compounds = compounds_to_change(user).filter(demo=False).select_related("district")
        self.districts = districts_to_change(user)
        self._offer_compounds()
        self._offer_networks()
        above = Device.objects.filter(kind__in=INFRASTRUCTURE, compound__in=self.compounds)
        self._field("parent", forms.ModelChoiceField).queryset = above.select_related("compound")
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"
        self.fields["username"].widget.attrs["autocomplete"] = "off"
        self.fields["password"].widget.attrs["autocomplete"] = "new-password"

    def _field(self, name: str, of: type[Any]) -> Any:
        field = self.fields[name]
        assert isinstance(field, of)  # noqa: S101 - as declared above
        return field

    def _offer_compounds(self) -> None:
        known = [(str(compound.pk), f"{compound.district} · {compound}") for compound in self.compounds]
        new = [(NEW_COMPOUND, gettext("A new compound"))] if self.districts.exists() else []
        self._field("compound", forms.ChoiceField).choices = [*known, *new]
        self._field("new_district", forms.ModelChoiceField).queryset = self.districts
        if self.districts.count() == 1:
            self.fields["new_district"].initial = self.districts.first()

    def _offer_networks(self) -> None:
        real = Zone.objects.filter(demo=False)
        if real.count() > 1:
            self._field("zone", forms.ModelChoiceField).queryset = real
        else:
            del self.fields["zone"]

    def clean(self) -> dict[str, Any]:
        """A new compound needs a name and a district."""
        given = super().clean() or self.cleaned_data
        if given.get("compound") == NEW_COMPOUND:
            for name in ("new_compound", "new_district"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, gettext("A new compound needs this."))
        return given

    def entry(self) -> Entry:
        """What was entered, for the register."""
        given = self.cleaned_data
        return Entry(
            compound=self._compound(),
            name=given["name"],
            kind=given["kind"],
            address=given["address"],
            username=given["username"],
            password=given["password"],
            parent=given["parent"],
            channel=given["channel"] or 0,
            zone=given.get("zone"),
        )

    def _compound(self) -> Compound:
        given = self.cleaned_data
        if given["compound"] == NEW_COMPOUND:
            kind = given["new_type"] or Compound.Type.OPEN
            return Compound(district=given["new_district"], name=given["new_compound"].strip(), type=kind)
        return self.compounds.get(pk=given["compound"])

    def refuse(self, refused: Refused) -> None:
        """Say at each field what the register has against it."""
        for name, message in refused.errors.items():
            self.add_error(name if name in self.fields else None, message)


class LoginForm(forms.Form):
    """A new login. The old password is shown to nobody."""

    username = forms.CharField(label=_("User name"), max_length=80)
    password = forms.CharField(label=_("New password"), max_length=200, strip=False, widget=forms.PasswordInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"
        self.fields["username"].widget.attrs["autocomplete"] = "off"
        self.fields["password"].widget.attrs["autocomplete"] = "new-password"


class UploadForm(forms.Form):
    """The file of an import."""

    file = forms.FileField(label=_("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))


# -- one device


@sensitive_post_parameters("password")
@page
@sensitive_variables("form", "entry")
def add(request: SignedIn) -> HttpResponse:
    """Add a device, begin to poll it, and look at it at once."""
    _require_registrar(request.user)
    form = DeviceForm(request.user, request.POST or None, initial=_from_query(request))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                device = register(form.entry(), request.user)
                schedule.sync(timezone.now(), [device.endpoint_id] if device.endpoint_id else [])
                look = begin(device, request.user)
            return redirect("look", look.pk)
        except Refused as refused:
            form.refuse(refused)
    return render(request, "register/add.html", {"form": form, "largest_port": LARGEST_PORT})


def _from_query(request: HttpRequest) -> dict[str, str]:
    compound = request.GET.get("compound", "")
    return {"compound": compound} if compound.isdigit() else {}


def _require_registrar(user: User) -> None:
    if not may_register(user):
        raise PermissionDenied


@sensitive_post_parameters("password")
@page
@sensitive_variables("form")
def credential(request: SignedIn, pk: int) -> HttpResponse:
    """Enter a device's login; a hold on logins ends with it, and the new one is used at once."""
    device = get_object_or_404(Device.objects.visible_to(request.user).select_related("endpoint", "compound"), pk=pk)
    if not may_change_login(request.user, device):
        raise PermissionDenied
    form = LoginForm(request.POST or None, initial={"username": username_of(device)})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                change_login(device, form.cleaned_data["username"], form.cleaned_data["password"], timezone.now())
                _use_at_once(device)
                look = begin(device, request.user)
            return redirect("look", look.pk)
        except Refused as refused:
            for message in refused.errors.values():
                form.add_error(None, message)
    held = Schedule.objects.filter(endpoint=device.endpoint_id, hold_until__gt=timezone.now()).first()
    return render(request, "register/credential.html", {"form": form, "device": device, "held": held})


def _use_at_once(device: Device) -> None:
    """A new login has not been refused yet, and not worked either.

    A visit that is under way carries the old one: under another lease it counts for nothing when it comes back, and
    until it must have ended nobody else goes there.
    """
    now = timezone.now()
    fresh: dict[str, Any] = {"hold_until": None, "hold_cause": "", "holds": 0, "worked": False}
    at_once: dict[str, Any] = {"lease": uuid.uuid4(), "recheck_due": now, "due": now}
    Schedule.objects.filter(endpoint=device.endpoint_id).update(**fresh, **at_once)


# -- many devices


@page
def upload(request: SignedIn) -> HttpResponse:
    """Upload a file and see what an import would do; nothing is written yet."""
    _require_registrar(request.user)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            text = importing.decode(form.cleaned_data["file"].read(MAX_BYTES + 1))
            return _show_run(request, importing.dry_run(text, request.user), _keep(text, request.user))
        except importing.Unreadable as error:
            form.add_error("file", str(error))
    return render(request, "register/import.html", {"form": form, "columns": COLUMNS})


@page
def confirm(request: SignedIn) -> HttpResponse:
    """Take in the rows of a dry run: all, or none when something has come in the way meanwhile."""
    _require_registrar(request.user)
    text = _kept(request.POST.get("token", ""), request.user) if request.method == "POST" else None
    if text is None:
        messages.error(request, gettext("The check is too old; upload the file once more."))
        return redirect("device-import")
    try:
        with transaction.atomic():
            made = importing.take_in(text, request.user)
            schedule.sync(timezone.now(), {device.endpoint_id for device in made if device.endpoint_id})
    except importing.MistakesLeft as left:
        return _show_run(request, left.run, request.POST["token"])
    except importing.Unreadable as error:
        messages.error(request, str(error))
        return redirect("device-import")
    cache.delete(_cache_key(request.POST["token"], request.user))
    told = ngettext("%(n)s device was added.", "%(n)s devices were added.", len(made)) % {"n": len(made)}
    messages.success(request, told)
    return redirect("devices")


def _show_run(request: SignedIn, run: importing.DryRun, token: str) -> HttpResponse:
    bad_rows = {mistake.row for mistake in run.mistakes}
    context = {
        "rows": [row.preview() for row in run.rows[:MISTAKES_SHOWN]],
        "count": len(run.rows),
        "mistakes": run.mistakes[:MISTAKES_SHOWN],
        "mistake_count": len(run.mistakes),
        "bad_count": len(bad_rows),
        "token": token,
    }
    return render(request, "register/dry_run.html", context)


def _keep(text: str, user: User) -> str:
    """Keep the file until it is confirmed; there are passwords in it, so it is encrypted and never leaves us."""
    token = secrets.token_urlsafe(16)
    cache.set(_cache_key(token, user), encrypt(text), DRY_RUN_KEPT_S)
    return token


def _kept(token: str, user: User) -> str | None:
    kept = cache.get(_cache_key(token, user)) if _TOKEN.fullmatch(token) else None
    return decrypt(kept) if isinstance(kept, str) else None


def _cache_key(token: str, user: User) -> str:
    return f"import:{user.pk}:{token}"


@require_GET
@page
def template(request: SignedIn) -> HttpResponse:
    """An empty file with the right header."""
    _require_registrar(request.user)
    return _as_file(importing.template(), "viewkeeper-template.csv")


@require_GET
@page
def export(request: SignedIn) -> HttpResponse:
    """The devices this person may see, without passwords; addresses and user names only for who may register."""
    devices = Device.objects.visible_to(request.user).order_by("compound__name", "name")
    if not devices.exists():
        raise Http404
    return _as_file(importing.export(devices, request.user), "viewkeeper-devices.csv")


def _as_file(text: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urlpatterns = [
    path("devices/add/", add, name="device-add"),
    path("devices/import/", upload, name="device-import"),
    path("devices/import/confirm/", confirm, name="device-import-confirm"),
    path("devices/import/template.csv", template, name="device-import-template"),
    path("devices/export.csv", export, name="device-export"),
    path("devices/<int:pk>/credential/", credential, name="device-credential"),
]
