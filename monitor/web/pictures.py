"""Kept pictures, one by one and only to those who may see the device: there is no folder to look into."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control

from devices.models import Device
from monitor.keeping import media
from monitor.models import DeviceState, Picture
from monitor.overview.listing import number_in
from monitor.web.access import SignedIn, page

PHASES = ("day", "night")
_PROOF, _PROPOSAL = "proof-", "proposal-"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a picture lies, and the hash of what was judged."""

    file: str
    sha256: str


@page
def picture(request: SignedIn, pk: int, which: str) -> HttpResponseBase:
    """A device's last picture ("last"), its reference by phase ("day", "night"), an incident's proof ("proof-12"), or
    what a proposal is about ("proposal-12").

    The reader's browser may keep it but must ask again each time; an unchanged picture costs no bytes.
    """
    device = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    kept = _kept(device, which)
    etag = f'"{kept.sha256[:32]}"'
    response = get_conditional_response(request, etag=etag) or _answer(kept)
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _kept(device: Device, which: str) -> Kept:
    found = _last(device) if which == "last" else _picture(device, which)
    if found is None or not found.file:
        raise Http404("no such picture")
    return found


def _last(device: Device) -> Kept | None:
    state = DeviceState.objects.filter(device=device).only("picture_file", "picture").first()
    return Kept(state.picture_file, str(state.picture.get("sha256", ""))) if state else None


def _picture(device: Device, which: str) -> Kept | None:
    rows = Picture.objects.filter(device=device)
    if which in PHASES:
        rows = rows.filter(role=Picture.Role.REFERENCE, phase=which, retired_at=None)
    elif (number := _number(which, _PROOF)) is not None:
        rows = rows.filter(role=Picture.Role.PROOF, incident=number)
    elif (number := _number(which, _PROPOSAL)) is not None:
        rows = rows.filter(role=Picture.Role.PROPOSAL, proposal=number)
    else:
        return None
    found = rows.order_by("-taken_at").first()
    return Kept(found.file, found.sha256) if found else None


def _number(which: str, kind: str) -> int | None:
    """The number behind a word of an address; None where another word stands there."""
    return number_in(which.removeprefix(kind)) if which.startswith(kind) else None


def _answer(kept: Kept) -> HttpResponse:
    try:
        data = media(kept.file).read_bytes()
    except FileNotFoundError:
        raise Http404("no such picture") from None
    return HttpResponse(data, content_type="image/jpeg")
