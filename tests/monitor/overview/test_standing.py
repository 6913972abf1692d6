"""Specification of a device's badge, the groups of lists and their order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devices.models import Compound, Device, Kind
from monitor.health import State, Status, Track
from monitor.overview.listing import lines
from monitor.overview.standing import Group, Word, annotated, group_of, worst_first
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched

SECOND = timedelta(seconds=1)


def word_of(device: Device) -> Word:
    [line] = lines(annotated(Device.objects.filter(pk=device.pk), NOW), NOW)
    return line.word


def test_a_healthy_device_is_quiet(compound: Compound) -> None:
    assert word_of(seen(compound)) == Word("ok", "Normal")


def test_a_fault_says_what_was_measured(camera: Device) -> None:
    factories.broken(camera, "obstructed", share=0.6)

    assert word_of(camera) == Word("pic", "Obstructed", "About six tenths of the picture is covered.")


def test_the_gravest_of_two_faults_is_the_badge(camera: Device) -> None:
    factories.broken(camera, "time_zone")
    factories.incident(camera, "port_closed")

    assert word_of(camera).title == "Offline"


def test_a_pause_stands_before_every_fault(compound: Compound) -> None:
    device = watched(compound, pause_reason="works in the street")
    factories.broken(device)

    assert word_of(device) == Word("mnt", "Polling paused", "works in the street")


@pytest.mark.parametrize(("age", "why"), [(150, "Not looked at yet."), (151, "The platform did not look.")])
def test_a_long_silence_is_ours(camera: Device, age: int, why: str) -> None:
    factories.state(camera, {}, looked_at=NOW - age * SECOND, status=Status.UNKNOWN)

    assert word_of(camera) == Word("unk", "Unknown", why)


def test_a_device_that_was_never_looked_at_says_so(camera: Device) -> None:
    assert word_of(camera) == Word("unk", "Unknown", "Not looked at yet.")


def test_a_device_without_an_address_says_so(compound: Compound) -> None:
    assert word_of(factories.device(compound, endpoint=None)).sentence == "It has no address in the register."


def unknown(device: Device, picture: Track | None, **note: object) -> str:
    tracks = {Aspect.LINK: Track(State.OK)} | ({Aspect.PICTURE: picture} if picture else {})
    factories.state(device, tracks, looked_at=NOW, picture_at=NOW, picture=note)
    return word_of(device).sentence


def test_a_picture_that_was_not_shown_says_why(camera: Device) -> None:
    assert unknown(camera, Track(why="needs_login")) == "The device answers this only after a login."


def test_a_picture_without_a_reference_says_what_to_do(camera: Device) -> None:
    told = unknown(camera, Track(why="not_checkable"), reason="no reference of this phase")

    assert told == "No reference view is accepted for this time of day: accept one on the device's page."


def test_a_picture_that_cannot_be_judged_says_so(camera: Device) -> None:
    assert unknown(camera, Track(why="not_checkable")) == "The picture cannot be judged."


def test_a_picture_not_asked_for_yet_says_so(camera: Device) -> None:
    assert unknown(camera, None) == "Not looked at yet."


@pytest.mark.parametrize(("age", "told"), [(1801, "The last picture is older than three intervals."), (1800, "")])
def test_an_old_picture_says_so(camera: Device, age: int, told: str) -> None:
    factories.state(camera, looked_at=NOW, picture_at=NOW - age * SECOND)

    assert word_of(camera).sentence == told


def test_a_loudspeaker_is_well_when_it_answers(compound: Compound) -> None:
    speaker = watched(compound, kind=Kind.LOUDSPEAKER)
    factories.state(speaker, {Aspect.LINK: Track(State.OK)}, looked_at=NOW, picture_at=None)

    assert word_of(speaker) == Word("ok", "Normal")


def test_a_loudspeaker_we_did_not_look_at_is_unknown(compound: Compound) -> None:
    speaker = watched(compound, kind=Kind.LOUDSPEAKER)
    factories.state(speaker, {Aspect.LINK: Track(State.OK)}, looked_at=NOW - 151 * SECOND)

    assert word_of(speaker).sentence == "The platform did not look."


def test_an_unknown_link_says_why(camera: Device) -> None:
    factories.state(camera, {Aspect.LINK: Track(why="late")}, looked_at=NOW, status=Status.UNKNOWN)

    assert word_of(camera).sentence == "The platform did not finish the look in time."


def one_of_each(compound: Compound) -> dict[Group, Device]:
    devices = {
        Group.CLEAR: seen(compound),
        Group.PAUSED: watched(compound, pause_reason="works"),
        Group.UNKNOWN: watched(compound),
    }
    for group, cause in (
        (Group.OFFLINE, "no_answer"),
        (Group.OBSTRUCTED, "obstructed"),
        (Group.PICTURE, "blur"),
        (Group.LOGIN, "login_refused"),
    ):
        devices[group] = watched(compound)
        factories.broken(devices[group], cause)
    return devices


@pytest.mark.parametrize("group", list(Group))
def test_every_group_holds_its_own_and_nothing_else(compound: Compound, group: Group) -> None:
    devices = one_of_each(compound)

    found = annotated(Device.objects.all(), NOW).filter(group_of(group))

    assert list(found) == [devices[group]]


def test_lists_begin_with_the_gravest_and_end_with_the_paused(compound: Compound) -> None:
    devices = one_of_each(compound)

    order = list(worst_first(annotated(Device.objects.all(), NOW)))

    assert order == [
        devices[group]
        for group in (
            Group.OFFLINE,
            Group.OBSTRUCTED,
            Group.PICTURE,
            Group.LOGIN,
            Group.UNKNOWN,
            Group.CLEAR,
            Group.PAUSED,
        )
    ]


# -- switches without an address


def carrier(compound: Compound, state: State, status: Status, **detail: int) -> Device:
    switch = factories.device(compound, kind=Kind.SWITCH, endpoint=None)
    cause = "inferred_down" if state is State.FAULTY else ""
    link = Track(state, since=NOW, at=NOW, cause=cause, detail=detail)
    factories.state(switch, {Aspect.LINK: link}, status=status, looked_at=None, picture_at=None)
    return switch


def test_a_switch_without_an_address_is_well_by_inference_and_says_so(compound: Compound) -> None:
    switch = carrier(compound, State.OK, Status.ONLINE, down=1, of=24)

    told = "Inferred from 24 devices that hang on it; it has no address of its own."
    assert word_of(switch) == Word("inf", "Normal", told)


def test_a_switch_without_an_address_is_down_by_inference_and_says_so(compound: Compound) -> None:
    switch = carrier(compound, State.FAULTY, Status.OFFLINE, down=24, of=24)
    factories.incident(switch, "inferred_down", detail={"down": 24, "of": 24})

    told = "Nothing that hangs on it answers (24 of 24 are down): inferred, since it has no address of its own."
    assert word_of(switch) == Word("off", "Offline", told)


def test_a_switch_of_which_nothing_tells_is_unknown(compound: Compound) -> None:
    switch = factories.device(compound, kind=Kind.SWITCH, endpoint=None)

    assert word_of(switch).sentence == "It has no address, and what hangs on it does not tell how it is."
