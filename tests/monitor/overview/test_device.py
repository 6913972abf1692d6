"""Specification of the device page's parts: facts, what was learned, why it is not looked at, its view."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from devices.models import Compound, Device, Kind, Life
from monitor import vision
from monitor.health import State, Status, Track
from monitor.models import Schedule
from monitor.overview.aspects import facts, proof, verdict
from monitor.overview.device import HISTORY, device_page
from monitor.overview.withheld import Withheld, withheld
from monitor.policy import Policy
from monitor.vision.judge import OTHER_PHASE
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def told(device: Device, **tracks: Track) -> list[tuple[str, str, str]]:
    found = facts(device, {Aspect(name): track for name, track in tracks.items()}, {"serial": "S1"}, Policy())
    return [(fact.name, fact.css, fact.sentence) for fact in found]


# -- facts


def test_the_abnormal_comes_first(camera: Device) -> None:
    found = told(
        camera,
        link=Track(State.OK),
        access=Track(why="needs_login"),
        clock=Track(State.SUSPECT, ring=1, seen=1, cause="clock_off"),
        picture=Track(State.FAULTY, cause="obstructed", detail={"share": 0.5}),
        identity=Track(State.RECOVERING, cause="identity_changed"),
    )

    assert found == [
        ("Picture", "pic", "About half of the picture is covered."),
        ("Identity", "login", "Good again at the last look; it counts as mended when that is confirmed."),
        ("Clock", "sus", "Clock off, seen 1 of 2 times, confirmed in about 30 s"),
        ("Login", "unk", "The device answers this only after a login."),
        ("Link", "ok", "The device answers."),
    ]


def test_each_fault_has_its_next_step_and_asks_for_attention(camera: Device) -> None:
    [bad, good] = facts(
        camera, {Aspect.LINK: Track(State.OK), Aspect.PICTURE: Track(State.FAULTY, cause="blur")}, {}, Policy()
    )

    assert (bad.next_step, bad.bad) == ("Clean the lens and focus again.", True)
    assert (good.next_step, good.bad) == ("", False)


@pytest.mark.parametrize(
    ("aspect", "name", "sentence"),
    [
        ("access", "Login", "The login works."),
        ("clock", "Clock", "The clock is right."),
        ("picture", "Picture", "The picture shows nothing wrong."),
        ("identity", "Identity", "Serial number S1, as in the register."),
        ("recording", "Recording", "Recordings are there."),
    ],
)
def test_what_is_well_is_said_in_few_words(camera: Device, aspect: str, name: str, sentence: str) -> None:
    assert told(camera, **{aspect: Track(State.OK)}) == [(name, "ok", sentence)]


def test_an_identity_without_a_serial_number_is_still_told(camera: Device) -> None:
    [fact] = facts(camera, {Aspect.IDENTITY: Track(State.OK)}, {}, Policy())

    assert fact.sentence == "The device says who it is."


def test_what_has_no_lens_has_no_picture_to_tell_of(compound: Compound) -> None:
    switch = watched(compound, kind=Kind.SWITCH)

    assert told(switch, link=Track(State.OK), picture=Track()) == [("Link", "ok", "The device answers.")]


# -- the sentence beside the picture


@pytest.mark.parametrize(
    ("picture", "track", "sentence"),
    [
        ({}, None, ""),
        (
            {"label": "blur"},
            Track(State.FAULTY, cause="blur"),
            "The picture is out of focus: fine edges of the reference are gone.",
        ),
        ({"checkable": True}, Track(State.OK), "The picture agrees with the reference view."),
        ({"checkable": False}, Track(), "The picture cannot be judged."),
        (
            {"checkable": False, "reason": "no reference of this phase"},
            Track(),
            "The picture was taken, but cannot be compared: no reference view of this phase is accepted yet.",
        ),
    ],
)
def test_the_verdict_is_a_sentence(picture: dict[str, object], track: Track | None, sentence: str) -> None:
    assert verdict(picture, {Aspect.PICTURE: track} if track else {}, compared=True) == sentence


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("", "By itself the picture shows no fault; the camera is still learning what to compare it with."),
        (
            "learning, 2 of 5",
            "By itself the picture shows no fault; the camera is still learning what to compare it with.",
        ),
        (
            OTHER_PHASE,
            "By the view of the other phase nothing is covered or turned away; whether it is sharp is told once this "
            "phase is learned.",
        ),
    ],
)
def test_a_picture_that_was_not_compared_is_not_said_to_agree(reason: str, sentence: str) -> None:
    assert verdict({"checkable": True, "reason": reason}, {Aspect.PICTURE: Track(State.OK)}, compared=False) == sentence


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (
            {"label": "obstructed", "blocks": [1]},
            "1 block of 192 no longer shows what the reference shows; it is outlined.",
        ),
        (
            {"label": "obstructed", "blocks": [1, 2]},
            "2 blocks of 192 no longer show what the reference shows; they are outlined.",
        ),
        ({"label": "obstructed", "blocks": []}, ""),
        ({"label": "normal", "blocks": [1]}, ""),
        ({}, ""),
    ],
)
def test_the_outline_is_counted(picture: dict[str, object], sentence: str) -> None:
    assert proof(picture) == sentence


# -- why it is not looked at


def reasons(device: Device) -> list[Withheld]:
    return withheld(Device.objects.select_related("endpoint__schedule", "paused_by").get(pk=device.pk), NOW)


def test_nothing_is_withheld_from_a_device_that_is_polled(camera: Device) -> None:
    assert reasons(camera) == []


def test_a_pause_says_who_when_and_why(compound: Compound) -> None:
    officer = factories.admin()
    device = watched(compound, pause_reason="works", paused_by=officer, paused_at=NOW - HOUR)

    assert [item.sentence for item in reasons(device)] == [f"Paused by {officer} at 15:15: works"]


def test_a_pause_by_somebody_who_is_gone_still_says_why(compound: Compound) -> None:
    assert [item.sentence for item in reasons(watched(compound, pause_reason="works"))] == ["Paused by – at –: works"]


def test_a_planned_device_is_not_polled_yet(compound: Compound) -> None:
    [found] = reasons(watched(compound, life=Life.PLANNED))

    assert found.sentence == "Devices are looked at from their installation on; this one is: Planned."


def test_a_device_without_an_address_says_what_to_do(compound: Compound) -> None:
    [found] = reasons(factories.device(compound, endpoint=None))

    assert found.next_step == "Enter its address in the register."


@pytest.mark.parametrize(("left", "count"), [(HOUR, 1), (timedelta(0), 0), (-HOUR, 0)])
def test_a_login_that_rests_says_until_when(camera: Device, left: timedelta, count: int) -> None:
    Schedule.objects.update(hold_until=NOW + left, hold_cause="login_refused")

    found = reasons(camera)

    assert [(item.title, item.until) for item in found] == [("Login refused", NOW + left)] * count


def test_a_login_that_rests_for_no_named_cause_is_still_said(camera: Device) -> None:
    Schedule.objects.update(hold_until=NOW + HOUR, hold_cause="")

    assert [(item.title, item.next_step) for item in reasons(camera)] == [("Login suspended", "")]


# -- the page


def test_the_page_of_a_device_never_looked_at_has_nothing_to_show_and_does_not_break(camera: Device) -> None:
    page = device_page(factories.admin(), camera, NOW)

    assert (page.state, page.view.now, page.view.verdict, page.facts, page.history) == (None, None, "", [], [])
    assert (page.trust.never, page.nearby, page.children, page.month.hours) == (1, (), [], 0)


def test_a_switch_names_what_hangs_on_it_and_can_be_seen(compound: Compound) -> None:
    switch = watched(compound, kind=Kind.SWITCH)
    broken = watched(compound, name="b", parent=switch)
    factories.broken(broken, "blur")
    seen(compound, name="a", parent=switch)

    page = device_page(factories.admin(), switch, NOW)

    assert [line.device.name for line in page.children] == ["b", "a"]
    assert page.nearby == ()


def test_a_broken_camera_names_what_is_lost_and_what_is_seen_nearby(compound: Compound) -> None:
    device = watched(compound, name="North gate 1", slot=factories.slot(compound, sees="the way in"))
    factories.broken(device, "blur")
    seen(compound, name="North gate 2")

    page = device_page(factories.admin(), device, NOW)

    assert (page.unseen, [item.name for item in page.nearby]) == ("the way in", ["North gate 2"])


def test_a_wrong_clock_takes_nothing_away(compound: Compound) -> None:
    device = watched(compound, slot=factories.slot(compound))
    factories.broken(device, "time_zone")

    assert device_page(factories.admin(), device, NOW).unseen == ""


def test_the_history_goes_back_ninety_days_and_keeps_what_is_open(camera: Device) -> None:
    day = timedelta(days=1)
    factories.incident(camera, "blur", started_at=NOW - 100 * day)
    factories.incident(camera, started_at=NOW - 91 * day, ended_at=NOW - 90 * day)
    factories.incident(camera, started_at=NOW - 90 * day, ended_at=NOW - 89 * day)

    page = device_page(factories.admin(), camera, NOW)

    assert [item.cause for item in page.history] == ["port_closed", "blur"]
    assert [item.cause for item in page.open] == ["blur"]


def test_the_history_has_an_end(camera: Device) -> None:
    for hours in range(HISTORY + 1):
        factories.incident(camera, started_at=NOW - (hours + 2) * HOUR, ended_at=NOW - (hours + 1) * HOUR)

    assert len(device_page(factories.admin(), camera, NOW).history) == HISTORY


def test_the_view_stands_beside_the_reference_of_its_phase(camera: Device) -> None:
    state = factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW), phase="night")
    assert state.status == Status.ONLINE
    for phase in ("day", "night"):
        factories.picture(camera, phase=phase)
    factories.learned(camera, vision.learn([vision.decode(factories.jpeg())]).dumps(), count=7)

    view = device_page(factories.admin(), camera, NOW).view

    assert view.reference is not None
    assert view.reference.phase == "night"
    assert [shot.phase for shot in view.references] == ["day", "night"]
    assert view.knowledge.learned == 7
