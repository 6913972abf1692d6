"""Specification of pictures: the bytes that were kept, asked for anew each time, nothing beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Device, User
from monitor.keeping import media
from monitor.models import DeviceState, Picture
from tests import factories
from tests.monitor.overview.seeing import watched

SignIn = Callable[[User], Client]


@pytest.fixture
def state(camera: Device) -> DeviceState:
    """A camera with a last picture."""
    return factories.last_picture(factories.state(camera))


@pytest.fixture
def police(officer: User, sign_in: SignIn) -> Client:
    return sign_in(officer)


def test_the_last_picture_comes_as_it_was_kept(state: DeviceState, police: Client) -> None:
    answer = police.get(reverse("picture", args=[state.pk, "last"]))

    assert answer.content == media(state.picture_file).read_bytes()
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_each_phase_has_its_reference(camera: Device, police: Client) -> None:
    for phase, seed in (("day", 3), ("night", 4)):
        factories.picture(camera, data=factories.jpeg(seed), phase=phase)

    for phase, seed in (("day", 3), ("night", 4)):
        assert police.get(reverse("picture", args=[camera.pk, phase])).content == factories.jpeg(seed)


def test_a_retired_reference_is_shown_no_more(camera: Device, police: Client) -> None:
    factories.picture(camera, retired_at=timezone.now())

    assert police.get(reverse("picture", args=[camera.pk, "day"])).status_code == 404


def test_the_picture_of_a_proposal_belongs_to_its_device(camera: Device, police: Client) -> None:
    other = watched(camera.compound)
    proposal = factories.proposal(other, factories.user(), data=factories.jpeg(6))

    answer = police.get(reverse("picture", args=[other.pk, f"proposal-{proposal.pk}"]))

    assert answer.content == factories.jpeg(6)
    for pk, which in ((camera.pk, f"proposal-{proposal.pk}"), (other.pk, "proposal-x"), (other.pk, "proposal-")):
        assert police.get(reverse("picture", args=[pk, which])).status_code == 404


def test_a_proof_belongs_to_its_device(camera: Device, police: Client) -> None:
    other = watched(camera.compound)
    incident = factories.incident(other, "blur")
    factories.picture(other, Picture.Role.PROOF, incident=incident)

    assert police.get(reverse("picture", args=[other.pk, f"proof-{incident.pk}"])).status_code == 200
    assert police.get(reverse("picture", args=[camera.pk, f"proof-{incident.pk}"])).status_code == 404


@pytest.mark.parametrize("which", ["last", "day", "proof-1", "proof-", "proof-x", "reference", "dusk"])
def test_what_was_never_kept_is_not_there(camera: Device, police: Client, which: str) -> None:
    assert police.get(reverse("picture", args=[camera.pk, which])).status_code == 404


def test_a_state_without_a_picture_has_none(camera: Device, police: Client) -> None:
    factories.state(camera)

    assert police.get(reverse("picture", args=[camera.pk, "last"])).status_code == 404


def test_a_file_that_is_gone_is_not_there(state: DeviceState, police: Client) -> None:
    media(state.picture_file).unlink()

    assert police.get(reverse("picture", args=[state.pk, "last"])).status_code == 404


def test_a_browser_keeps_it_privately_and_asks_each_time(state: DeviceState, police: Client) -> None:
    address = reverse("picture", args=[state.pk, "last"])
    first = police.get(address)

    assert first.headers["ETag"] == f'"{state.picture["sha256"][:32]}"'
    assert "private" in first.headers["Cache-Control"]
    assert "no-cache" in first.headers["Cache-Control"]

    again = police.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_new_picture_is_sent_again(state: DeviceState, police: Client) -> None:
    address = reverse("picture", args=[state.pk, "last"])
    old = police.get(address).headers["ETag"]
    factories.last_picture(state, factories.jpeg(9))

    assert police.get(address, headers={"If-None-Match": old}).content == factories.jpeg(9)


@pytest.mark.parametrize("path", ["/media/", "/pictures/", "/pictures/1/", "/media/last/"])
def test_there_is_no_folder_to_look_into(state: DeviceState, police: Client, path: str) -> None:
    assert police.get(path).status_code == 404
