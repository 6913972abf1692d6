"""Specification of proposals: what a contractor presses waits for the police; granted, it is done with that picture."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from devices.models import Contract, Device, Membership, Role, User
from monitor import vision
from monitor.keeping import media
from monitor.models import DeviceState, LearnedView, Picture, Proposal
from monitor.overview.acts import VIEW_ACTS, Act, acts_on
from monitor.overview.proposals import (
    SHOWN,
    AlreadyDecided,
    AlreadyProposed,
    NotYours,
    Overtaken,
    grant,
    press,
    proposals_on,
    refuse,
    waiting_count,
    waiting_for,
)
from monitor.overview.references import Doubtful, NotAcceptable, Outdated, Unlearned
from monitor.overview.voices import Voice
from tests import factories
from tests.monitor.overview.seeing import NOW

LATER = NOW + timedelta(hours=3)
LONG_AGO = NOW - timedelta(days=1000)


@pytest.fixture
def manager(contract: Contract) -> User:
    return factories.manager(contract.contractor)


@pytest.fixture
def state(camera: Device) -> DeviceState:
    """A camera with a last picture by day."""
    return factories.last_picture(factories.state(camera, picture_at=NOW))


@pytest.fixture
def reference(camera: Device) -> Picture:
    """What the police accepted: from then on the contractor proposes."""
    return factories.picture(camera)


def known(camera: Device) -> bytes:
    """Let the camera know its reference; give the signature."""
    [kept] = Picture.objects.filter(device=camera, role="reference", retired_at=None)
    model = vision.learn([vision.decode(media(kept.file).read_bytes())])
    factories.learned(camera, model.dumps(), model.count)
    return model.dumps()


def signature(camera: Device) -> bytes:
    return bytes(LearnedView.objects.get(device=camera).signature)


def version_of(reference: Picture) -> str:
    return reference.sha256[:16]


# -- pressing


def test_before_acceptance_a_contractor_accepts_for_the_time_being(
    camera: Device, state: DeviceState, manager: User
) -> None:
    assert press(Act.ACCEPT, camera, manager, NOW) is None

    [kept] = Picture.objects.all()
    assert (kept.role, kept.accepted_by, kept.by_contractor) == ("reference", manager, True)
    assert acts_on(camera, LONG_AGO)[0].act is Act.ACCEPT
    assert press(Act.ANEW, camera, manager, NOW, confirmed=True) is None


def test_after_acceptance_a_press_is_a_proposal_and_changes_nothing(
    camera: Device, state: DeviceState, reference: Picture, manager: User
) -> None:
    before = known(camera)

    found = press(Act.ACCEPT, camera, manager, NOW, note="tree cut back")

    assert found is not None
    assert (found.act, found.phase, found.note, found.doubt) == ("accept", "day", "tree cut back", "")
    assert (found.proposed_by, found.proposed_at, found.waits) == (manager, NOW, True)
    reference.refresh_from_db()
    assert reference.retired_at is None
    assert signature(camera) == before
    [done] = acts_on(camera, LONG_AGO)
    assert (done.act, done.about, done.of) == (Act.PROPOSE, "tree cut back", Act.ACCEPT)


def test_the_proposed_picture_does_not_vanish_with_the_last_one(
    camera: Device, state: DeviceState, reference: Picture, manager: User
) -> None:
    data = media(state.picture_file).read_bytes()

    found = press(Act.ACCEPT, camera, manager, NOW)

    factories.last_picture(state, factories.jpeg(7))
    assert found is not None
    assert found.picture is not None
    assert (found.picture.role, found.picture.sha256, found.picture.taken_at) == (
        "proposal",
        sha256(data).hexdigest(),
        NOW,
    )
    assert media(found.picture.file).read_bytes() == data


def test_one_of_each_act_waits(camera: Device, state: DeviceState, reference: Picture, manager: User) -> None:
    known(camera)
    press(Act.ACCEPT, camera, manager, NOW)

    with pytest.raises(AlreadyProposed):
        press(Act.ACCEPT, camera, manager, NOW)

    assert press(Act.FAULT, camera, manager, NOW) is not None


def test_the_database_holds_the_same(camera: Device, manager: User) -> None:
    factories.proposal(camera, manager)
    kept = factories.picture(camera, Picture.Role.PROPOSAL)
    given = {"device": camera, "picture": kept, "phase": "day", "proposed_by": manager, "proposed_at": NOW}

    for wrong in (
        {"act": "accept"},
        {"act": "fine", "outcome": "granted"},
        {"act": "fine", "decided_at": NOW},
        {"act": "fine", "decided_at": NOW, "outcome": "granted", "decided_by": manager},
    ):
        with transaction.atomic(), pytest.raises(IntegrityError):
            Proposal.objects.create(**given, **wrong)


def test_a_doubtful_view_is_proposed_only_when_confirmed(
    camera: Device, state: DeviceState, reference: Picture, manager: User
) -> None:
    factories.last_picture(state, label="moved")

    with pytest.raises(Doubtful):
        press(Act.ACCEPT, camera, manager, NOW)
    found = press(Act.ACCEPT, camera, manager, NOW, confirmed=True)

    assert found is not None
    assert found.doubt == "moved"


def test_an_old_picture_proposes_nothing(camera: Device, state: DeviceState, reference: Picture, manager: User) -> None:
    with pytest.raises(Outdated):
        press(Act.ACCEPT, camera, manager, LATER)


def test_whoever_has_no_say_presses_in_vain(camera: Device, state: DeviceState) -> None:
    for person in (factories.user(), factories.officer(), factories.member(Role.VIEWER, compound=camera.compound)):
        with pytest.raises(NotYours):
            press(Act.ACCEPT, camera, person, NOW)

    assert not Picture.objects.exists()


# -- granting


def test_granted_the_proposed_picture_becomes_the_reference_whatever_the_camera_shows_now(
    camera: Device, state: DeviceState, reference: Picture, manager: User, officer: User
) -> None:
    proposed = press(Act.ACCEPT, camera, manager, NOW)
    assert proposed is not None
    shown = state.picture["sha256"]
    factories.last_picture(state, factories.jpeg(7), label="obstructed")

    found = grant(proposed.pk, officer, LATER, version_of(reference))

    [kept] = Picture.objects.filter(role="reference", retired_at=None)
    assert (kept.sha256, kept.accepted_by, kept.accepted_at, kept.by_contractor) == (shown, officer, LATER, False)
    reference.refresh_from_db()
    assert reference.retired_at == LATER
    assert (found.outcome, found.decided_by, found.decided_at) == ("granted", officer, LATER)
    done = acts_on(camera, LONG_AGO)[0]
    assert (done.act, done.about, done.of, done.who) == (Act.GRANT, str(manager), Act.ACCEPT, str(officer))


def test_granted_in_spite_of_a_doubt_the_old_model_has_no_part(
    camera: Device, state: DeviceState, reference: Picture, manager: User, officer: User
) -> None:
    known(camera)
    factories.last_picture(state, label="moved")
    proposed = press(Act.ACCEPT, camera, manager, NOW, confirmed=True)
    assert proposed is not None

    grant(proposed.pk, officer, LATER, version_of(reference))

    [kept] = Picture.objects.filter(role="reference", retired_at=None)
    assert signature(camera) == vision.learn([vision.decode(media(kept.file).read_bytes())]).dumps()


def test_granted_the_camera_learns_that_a_picture_is_fine(
    camera: Device, reference: Picture, manager: User, officer: User
) -> None:
    model = vision.CameraModel.loads(known(camera))
    proposed = factories.proposal(camera, manager, "fine", factories.jpeg(6), doubt="obstructed")

    grant(proposed.pk, officer, LATER, version_of(reference))

    assert signature(camera) == vision.extend(model, vision.decode(factories.jpeg(6))).dumps()
    reference.refresh_from_db()
    assert reference.retired_at is None


def test_granted_the_camera_learns_anew(camera: Device, reference: Picture, manager: User, officer: User) -> None:
    factories.learned(camera, b"from another time", count=40)
    proposed = factories.proposal(camera, manager, "anew")

    grant(proposed.pk, officer, LATER, version_of(reference))

    assert signature(camera) == vision.learn([vision.decode(media(reference.file).read_bytes())]).dumps()


def test_what_cannot_be_done_keeps_waiting(camera: Device, reference: Picture, manager: User, officer: User) -> None:
    proposed = factories.proposal(camera, manager, "fine")

    with pytest.raises(Unlearned):
        grant(proposed.pk, officer, LATER, version_of(reference))

    proposed.refresh_from_db()
    assert proposed.waits


@pytest.mark.parametrize("seen", ["", "f" * 16])
def test_beside_another_reference_than_the_one_in_force_nothing_is_granted(
    camera: Device, reference: Picture, manager: User, officer: User, seen: str
) -> None:
    proposed = factories.proposal(camera, manager)

    with pytest.raises(Overtaken):
        grant(proposed.pk, officer, LATER, seen)


def test_a_phase_without_a_reference_gets_its_first(
    camera: Device, reference: Picture, manager: User, officer: User
) -> None:
    proposed = factories.proposal(camera, manager, phase="night")
    Picture.objects.filter(proposal=proposed).update(phase="night")

    grant(proposed.pk, officer, LATER, "")

    assert Picture.objects.filter(role="reference", retired_at=None).count() == 2


@pytest.mark.parametrize("gone", ["row", "file"])
def test_without_its_picture_nothing_is_granted(
    camera: Device, reference: Picture, manager: User, officer: User, gone: str
) -> None:
    proposed = factories.proposal(camera, manager)
    assert proposed.picture is not None
    if gone == "row":
        proposed.picture.delete()
    else:
        media(proposed.picture.file).unlink()

    with pytest.raises(NotAcceptable):
        grant(proposed.pk, officer, LATER, version_of(reference))


def test_refused_everything_stays_and_the_reason_is_kept(
    camera: Device, state: DeviceState, reference: Picture, manager: User, officer: User
) -> None:
    before = known(camera)
    proposed = factories.proposal(camera, manager)

    refuse(proposed.pk, officer, LATER, "the gate is hidden")

    proposed.refresh_from_db()
    reference.refresh_from_db()
    assert (proposed.outcome, proposed.reason, proposed.decided_by) == ("refused", "the gate is hidden", officer)
    assert reference.retired_at is None
    assert signature(camera) == before
    done = acts_on(camera, LONG_AGO)[0]
    assert (done.act, done.about, done.of) == (Act.REFUSE, "the gate is hidden", Act.ACCEPT)
    assert press(Act.ACCEPT, camera, manager, NOW) is not None


def test_a_decision_stands(camera: Device, reference: Picture, manager: User, officer: User) -> None:
    proposed = factories.proposal(camera, manager)
    refuse(proposed.pk, officer, LATER, "no")

    with pytest.raises(AlreadyDecided):
        grant(proposed.pk, factories.admin(), LATER, version_of(reference))
    with pytest.raises(AlreadyDecided):
        refuse(proposed.pk, factories.admin(), LATER, "no, no")


def test_whoever_proposes_does_not_decide(
    camera: Device, reference: Picture, contract: Contract, manager: User
) -> None:
    """Not even somebody who came to act for the police since."""
    proposed = factories.proposal(camera, manager)
    Membership.objects.create(
        user=manager, organisation=factories.organisation(), role=Role.OFFICER, district=camera.compound.district
    )

    for person in (manager, factories.manager(contract.contractor), factories.officer()):
        with pytest.raises(NotYours):
            grant(proposed.pk, person, LATER, version_of(reference))
        with pytest.raises(NotYours):
            refuse(proposed.pk, person, LATER, "no")
    assert waiting_count(manager) == 0


# -- reading


def test_what_waits_is_shown_with_both_sides_to_who_may_decide(
    camera: Device, reference: Picture, manager: User, officer: User
) -> None:
    newer = factories.proposal(camera, manager, "anew", proposed_at=NOW)
    older = factories.proposal(camera, manager, proposed_at=LONG_AGO)
    factories.proposal(camera, manager, "fine", decided_at=NOW, outcome="refused")

    found = waiting_for(officer)

    assert [item.proposal for item in found] == [older, newer]
    assert found[0].reference is not None
    assert found[0].reference.version == version_of(reference)
    assert found[0].shot is not None
    assert found[0].shot.which == f"proposal-{older.pk}"
    assert found[0].device == camera
    assert waiting_count(officer) == 2


def test_a_proposal_whose_picture_is_gone_is_still_shown(camera: Device, manager: User, officer: User) -> None:
    proposed = factories.proposal(camera, manager)
    assert proposed.picture is not None
    proposed.picture.delete()

    [found] = waiting_for(officer)

    assert (found.shot, found.reference) == (None, None)


def test_it_waits_for_nobody_else(camera: Device, manager: User) -> None:
    factories.proposal(camera, manager)

    for person in (manager, factories.officer(), factories.member(Role.VIEWER, compound=camera.compound)):
        assert (waiting_count(person), waiting_for(person)) == (0, [])


def test_nothing_waits_where_nothing_is_proposed(officer: User) -> None:
    assert waiting_count(officer) == 0


def test_a_firm_sees_its_own_proposals_and_what_became_of_them_the_waiting_ones_first(
    camera: Device, contract: Contract, manager: User
) -> None:
    colleague = factories.technician(contract.contractor)
    decided = [
        factories.proposal(camera, manager, "fine", decided_at=NOW - timedelta(days=n), outcome="refused")
        for n in range(SHOWN)
    ]
    waiting = factories.proposal(camera, manager, proposed_at=LONG_AGO)
    factories.proposal(camera, factories.manager(factories.organisation("contractor")), "anew")

    assert list(proposals_on(camera, colleague, Voice.PROPOSES)) == [waiting, *decided[: SHOWN - 1]]


def test_the_police_see_on_a_device_what_waits_for_them(camera: Device, manager: User, officer: User) -> None:
    waiting = factories.proposal(camera, manager)
    factories.proposal(camera, manager, "fine", decided_at=NOW, outcome="refused")

    assert list(proposals_on(camera, officer, Voice.DECIDES)) == [waiting]


def test_others_see_none(camera: Device, manager: User) -> None:
    factories.proposal(camera, manager)

    assert proposals_on(camera, factories.user(), Voice.NONE) == ()


def test_whoever_proposed_sees_it_though_he_left_the_firm(camera: Device, contract: Contract, manager: User) -> None:
    mine = factories.proposal(camera, manager, proposed_at=timezone.now())
    Membership.objects.filter(user=manager).delete()

    assert list(proposals_on(camera, manager, Voice.PROPOSES)) == [mine]


def test_every_act_on_a_view_can_be_proposed() -> None:
    assert [str(act) for act in VIEW_ACTS] == Proposal.Act.values
