"""Specification of the buttons beside the picture and of the list of what waits for the police, as people meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Contract, Device, Membership, User
from monitor import vision
from monitor.models import DeviceState, LearnedView, Picture, Proposal, RawReading
from monitor.overview import device
from monitor.overview.acts import Act, acts_on
from tests import factories
from tests.monitor.web.reading import Page, words_of

SignIn = Callable[[User], Client]
BUTTONS = ("device-accept", "device-fine", "device-fault", "device-anew")


@pytest.fixture
def contract(camera: Device) -> Contract:
    """The contract that the camera stands under."""
    found = factories.contract()
    Device.objects.filter(pk=camera.pk).update(contract=found)
    return found


@pytest.fixture
def police(officer: User, sign_in: SignIn) -> Client:
    return sign_in(officer)


@pytest.fixture
def manager(contract: Contract) -> User:
    return factories.manager(contract.contractor)


@pytest.fixture
def contractor(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


@pytest.fixture
def state(camera: Device) -> DeviceState:
    """A camera with a picture taken now."""
    return factories.last_picture(factories.state(camera))


@pytest.fixture
def reference(camera: Device) -> Picture:
    """What the police accepted and the camera learned."""
    model = vision.learn([vision.decode(factories.jpeg(2))])
    factories.learned(camera, model.dumps(), model.count)
    return factories.picture(camera)


def pressed(client: Client, name: str, camera: Device, **given: str) -> str:
    """Press a button; give what the page says then."""
    answer = client.post(reverse(name, args=[camera.pk]), given, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def done(camera: Device) -> list[Act]:
    return [item.act for item in acts_on(camera, timezone.now() - timedelta(hours=1))]


# -- the police


def test_accepting_makes_the_view_that_was_shown_the_reference(
    camera: Device, state: DeviceState, police: Client
) -> None:
    told = pressed(police, "device-accept", camera, version=state.picture["sha256"][:16])

    assert Picture.objects.get(device=camera).sha256 == state.picture["sha256"]
    assert LearnedView.objects.filter(device=camera).exists()
    assert "This view is the reference now" in told


@pytest.mark.parametrize("name", BUTTONS)
def test_nothing_is_done_with_another_picture_than_the_one_shown(
    camera: Device, state: DeviceState, police: Client, name: str
) -> None:
    assert "Not done" in pressed(police, name, camera, version="f" * 16)
    assert done(camera) == []


@pytest.mark.parametrize(
    ("given", "told", "kept"),
    [({}, "Not accepted: the platform sees a fault.", 0), ({"confirmed": "1"}, "This view is the reference now", 1)],
)
def test_a_covered_view_is_accepted_only_when_confirmed(
    camera: Device, state: DeviceState, police: Client, given: dict[str, str], told: str, kept: int
) -> None:
    factories.last_picture(state, label="obstructed")

    assert told in pressed(police, "device-accept", camera, **given)
    assert Picture.objects.count() == kept


def test_a_picture_too_old_is_not_accepted(camera: Device, state: DeviceState, police: Client) -> None:
    DeviceState.objects.update(picture_at=timezone.now() - timedelta(days=1))

    assert "too old to show what the camera sees" in pressed(police, "device-accept", camera)


def test_the_police_teach(camera: Device, state: DeviceState, reference: Picture, police: Client) -> None:
    assert "judges this picture so already" in pressed(police, "device-fine", camera)
    assert "if pictures like this one were learned, they are forgotten" in pressed(police, "device-fault", camera)
    factories.last_picture(state, label="obstructed")
    assert "this picture is normal" in pressed(police, "device-fine", camera)
    assert "confirm that the camera shall forget" in pressed(police, "device-anew", camera)
    assert "learns anew" in pressed(police, "device-anew", camera, confirmed="1")
    assert done(camera) == [Act.ANEW, Act.FINE, Act.FAULT]


def test_of_an_unknown_phase_nothing_is_taught(camera: Device, state: DeviceState, police: Client) -> None:
    assert "Accept a reference of it first" in pressed(police, "device-fault", camera)


# -- whose press it is


def test_before_acceptance_the_contractor_may_press(
    camera: Device, state: DeviceState, contractor: Client, manager: User
) -> None:
    assert "This view is the reference now" in pressed(contractor, "device-accept", camera)
    assert Picture.objects.get().by_contractor
    assert "by the contractor" in contractor.get(reverse("device", args=[camera.pk])).content.decode()


def test_after_acceptance_the_contractor_proposes_and_sees_what_becomes_of_it(
    camera: Device, state: DeviceState, reference: Picture, contractor: Client, police: Client
) -> None:
    told = pressed(contractor, "device-accept", camera, note="  tree cut back ")

    assert "Proposed to the police; the picture is kept until they decide." in told
    proposal = Proposal.objects.get()
    assert proposal.note == "tree cut back"
    assert "waits for the police already" in pressed(contractor, "device-accept", camera)
    assert "Waits for the police" in words_of(contractor, reverse("device", args=[camera.pk]))

    police.post(reverse("proposal-refuse", args=[proposal.pk]), {"reason": "the gate is hidden"})

    shown = words_of(contractor, reverse("device", args=[camera.pk]))
    assert "Refused Accept this view as reference" in shown
    assert "Reason: the gate is hidden" in shown


def test_a_note_has_an_end(camera: Device, state: DeviceState, reference: Picture, contractor: Client) -> None:
    assert "The note is too long" in pressed(contractor, "device-accept", camera, note="x" * 161)
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("name", BUTTONS)
def test_whoever_only_watches_may_not_press(
    camera: Device, state: DeviceState, reference: Picture, sign_in: SignIn, name: str
) -> None:
    officer = factories.officer()
    Membership.objects.create(
        user=officer, organisation=factories.organisation(), role="viewer", compound=camera.compound
    )

    for person in (officer, factories.member("viewer", compound=camera.compound)):
        client = sign_in(person)
        page = client.get(reverse("device", args=[camera.pk]))
        assert page.status_code == 200
        assert reverse(name, args=[camera.pk]) not in page.content.decode()
        assert client.post(reverse(name, args=[camera.pk])).status_code == 403
    assert done(camera) == []


def test_a_say_that_is_lost_between_reading_and_pressing_counts_no_more(
    camera: Device, state: DeviceState, police: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page looks first, and once more when nobody else can change it any longer."""
    from monitor.overview import proposals
    from monitor.overview.voices import Voice

    monkeypatch.setattr(proposals, "voice_of", lambda *_asked: Voice.NONE)

    assert police.post(reverse("device-accept", args=[camera.pk])).status_code == 403


@pytest.mark.parametrize("name", BUTTONS)
def test_strangers_do_not_find_it(camera: Device, state: DeviceState, sign_in: SignIn, name: str) -> None:
    for person in (factories.officer(), factories.manager(factories.organisation("contractor")), factories.user()):
        assert sign_in(person).post(reverse(name, args=[camera.pk])).status_code == 404


@pytest.mark.parametrize("name", [*BUTTONS, "proposal-grant", "proposal-refuse"])
def test_nothing_is_done_by_a_link_without_signing_in_or_from_another_site(
    camera: Device, manager: User, officer: User, police: Client, client: Client, name: str
) -> None:
    proposal = factories.proposal(camera, manager)
    address = reverse(name, args=[proposal.pk if name.startswith("proposal") else camera.pk])
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(officer)

    assert police.get(address).status_code == 405
    assert client.post(address).status_code == 302
    assert careful.post(address).status_code == 403
    assert done(camera) == []


def test_buttons_say_what_a_press_does(
    camera: Device, state: DeviceState, reference: Picture, police: Client, contractor: Client
) -> None:
    for_police = words_of(police, reverse("device", args=[camera.pk]))
    for_contractor = words_of(contractor, reverse("device", args=[camera.pk]))

    for word in ("Accept this view as reference", "This is a fault", "Forget it and learn anew"):
        assert word in for_police
    for word in ("Propose this view as reference", "Propose: this is a fault", "Propose to forget it and learn anew"):
        assert word in for_contractor
    assert "Note for the police" in for_contractor
    assert "Note for the police" not in for_police


# -- the list


def test_what_waits_is_counted_on_the_first_page_and_shown_side_by_side(
    camera: Device, reference: Picture, manager: User, reads: Page, police: Client
) -> None:
    assert "proposal" not in reads("home")
    proposal = factories.proposal(camera, manager, doubt="moved", note="set again")

    assert "1 proposal of a contractor waits for you" in reads("home")
    told = reads("waiting")
    for word in ("Reference in force", "Proposed", "set again", "The platform saw “View moved” when this"):
        assert word in told
    page = police.get(reverse("waiting")).content.decode()
    assert reverse("picture", args=[camera.pk, f"proposal-{proposal.pk}"]) in page
    assert (
        f"proposed “{proposal.get_act_display()}”" in police.get(reverse("device", args=[camera.pk])).content.decode()
    )


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("accept", "the proposed picture is the reference by day"),
        ("fine", "the camera learns that this picture is normal"),
        ("fault", "the camera forgets what it learned from pictures like this one"),
        ("anew", "the camera forgets what it has learned and begins again"),
    ],
)
def test_it_says_what_a_grant_would_do(camera: Device, manager: User, reads: Page, act: str, told: str) -> None:
    proposal = factories.proposal(camera, manager, act)
    assert proposal.picture is not None
    proposal.picture.delete()

    assert f"Granted, {told}" in reads("waiting")
    assert "No reference view yet" in reads("waiting")
    assert "The proposed picture is gone" in reads("waiting")


def test_nothing_waits_for_whoever_decides_nothing(camera: Device, manager: User, contractor: Client) -> None:
    factories.proposal(camera, manager)

    assert "Nothing waits for you" in words_of(contractor, reverse("waiting"))


def test_what_the_list_shows_is_what_is_granted(
    camera: Device, reference: Picture, manager: User, police: Client
) -> None:
    proposal = factories.proposal(camera, manager, data=factories.jpeg(6))
    page = police.get(reverse("waiting")).content.decode()
    shown = re.search(r'name="reference" value="(\w+)"', page)
    assert shown is not None

    answer = police.post(reverse("proposal-grant", args=[proposal.pk]), {"reference": shown[1]}, follow=True)

    assert "Granted. This view is the reference now" in answer.content.decode()
    assert proposal.picture is not None
    assert Picture.objects.get(role="reference", retired_at=None).sha256 == proposal.picture.sha256


@pytest.mark.parametrize(
    ("reference_seen", "decided", "told"),
    [
        ("f" * 16, {}, "the reference was replaced meanwhile"),
        ("", {"outcome": "refused", "decided_at": timezone.now()}, "Somebody else has decided"),
    ],
)
def test_what_happened_meanwhile_is_said(
    camera: Device, reference: Picture, manager: User, police: Client, reference_seen: str,
    decided: dict[str, Any], told: str,
) -> None:  # fmt: skip
    proposal = factories.proposal(camera, manager, **decided)

    answer = police.post(reverse("proposal-grant", args=[proposal.pk]), {"reference": reference_seen}, follow=True)

    assert told in answer.content.decode()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 161])
def test_a_refusal_needs_a_reason(camera: Device, manager: User, police: Client, reason: str) -> None:
    proposal = factories.proposal(camera, manager)

    answer = police.post(reverse("proposal-refuse", args=[proposal.pk]), {"reason": reason}, follow=True)

    assert "A refusal needs a reason" in answer.content.decode()
    proposal.refresh_from_db()
    assert proposal.waits


@pytest.mark.parametrize("name", ["proposal-grant", "proposal-refuse"])
def test_whoever_may_not_decide_does_not(
    camera: Device, manager: User, contractor: Client, sign_in: SignIn, name: str
) -> None:
    proposal = factories.proposal(camera, manager)
    address = reverse(name, args=[proposal.pk])
    watcher = factories.officer()
    Membership.objects.create(
        user=watcher, organisation=factories.organisation(), role="viewer", compound=camera.compound
    )

    assert contractor.post(address, {"reason": "no"}).status_code == 403
    assert sign_in(watcher).post(address, {"reason": "no"}).status_code == 403
    assert sign_in(factories.officer()).post(address, {"reason": "no"}).status_code == 404
    proposal.refresh_from_db()
    assert proposal.waits


# -- what the device page tells


def test_the_learning_state_is_told(camera: Device, state: DeviceState, reference: Picture, reads: Page) -> None:
    told = reads("device", camera.pk)

    assert "Provisional: learned 1 of 20 pictures" in told
    assert "Known: day; not seen yet: night." in told
    assert "of 192 blocks count by day" in told


def test_nothing_learned_yet_is_told(camera: Device, state: DeviceState, reads: Page) -> None:
    told = reads("device", camera.pk)

    assert "Nothing is learned yet" in told
    assert "Until the police accept a view" in told
    assert "No picture was judged in the last 24 hours" in told


def test_a_camera_that_learns_by_itself_says_so(camera: Device, state: DeviceState, reads: Page) -> None:
    model = vision.learn([vision.decode(factories.jpeg())], accepted=False)
    factories.learned(camera, model.dumps(), model.count)
    factories.last_picture(state, reason="learning, 1 of 5")

    told = reads("device", camera.pk)

    assert "Learning: 1 of 5 pictures" in told
    assert "By itself the picture shows no fault" in told


def test_what_grows_over_the_view_is_told_with_a_date(
    camera: Device, state: DeviceState, reads: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "prune_before", lambda *_asked: date(2026, 12, 7))

    assert "Prune before 2026-12-07" in reads("device", camera.pk)


def test_many_pictures_are_provisional_no_more(camera: Device, state: DeviceState, reads: Page) -> None:
    factories.learned(camera, vision.learn([vision.decode(factories.jpeg())]).dumps(), count=38)

    assert "Learned from 38 pictures." in reads("device", camera.pk)


def test_the_score_is_told_beside_its_limit(camera: Device, reads: Page) -> None:
    factories.broken(camera, "obstructed", share=0.5)
    factories.last_picture(camera.state, label="obstructed", covered_share=0.547)
    seen = {"label": "obstructed", "score": 0.629, "checkable": True}
    RawReading.objects.create(device=camera, at=timezone.now() - timedelta(minutes=1), took_ms=1.0, picture=seen)

    told = reads("device", camera.pk)

    assert "Obstructed 0.62 since" in told
    assert "54 % covered" in told
    assert "limit 0.5" in told
    assert "no picture kept" in told


def test_what_is_not_checkable_is_said_with_its_reason(camera: Device, reads: Page) -> None:
    factories.last_picture(factories.state(camera), checkable=False, reason="no reference of this phase", phase="night")

    assert "Not checkable The picture was taken, but cannot be compared" in reads("device", camera.pk)
