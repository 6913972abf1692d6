"""Specification of recording: which readings count, and what a batch of them writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from devices.models import Device
from monitor import recording
from monitor.health import State, Status
from monitor.keeping import keep, last_files, media
from monitor.leases import BITS
from monitor.models import DeviceHour, DeviceState, Incident, Passport, Picture, RawReading, Schedule, Transition
from monitor.wire import Aspect, Finding, Reading, Tier
from tests import factories
from tests.monitor.visits import BLANK, GOOD, OFF, START, bad, give_login, lease, minute, note, reading, take_in, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def camera() -> Device:
    return factories.device()


def state_of(device: Device) -> DeviceState:
    return DeviceState.objects.get(device=device)


def schedule_of(device: Device) -> Schedule:
    return Schedule.objects.get(endpoint=device.endpoint_id)


def track_state(device: Device, aspect: Aspect) -> State:
    return state_of(device).read_tracks()[aspect].state


# -- which readings count


def test_a_reading_under_its_lease_counts(camera: Device) -> None:
    assert visit(camera, START) == 1
    assert state_of(camera).status == Status.ONLINE


def test_the_first_reading_makes_the_state_row(camera: Device) -> None:
    visit(camera, START)

    state = state_of(camera)
    assert (state.looked_at, state.status_since) == (START, START)
    assert state.read_tracks()[Aspect.LINK].since == START


@pytest.mark.parametrize("wrong", ["", "not a lease", "6f9619ff-8b86-4d01-b42d-00c04fc964ff"])
def test_a_reading_under_another_lease_is_refused(camera: Device, wrong: str) -> None:
    lease(camera)

    assert take_in([reading(camera, START, wrong)], START) == 0
    assert not DeviceState.objects.exists()


def test_a_reading_for_an_endpoint_without_a_lease_is_refused(camera: Device) -> None:
    factories.schedule(camera)

    assert take_in([reading(camera, START, ""), reading(camera, START, "None")], START) == 0


def test_a_reading_from_another_zone_is_refused(camera: Device) -> None:
    factories.zone("other")
    held = lease(camera)

    assert take_in([reading(camera, START, held)], START, zone="other") == 0
    assert str(schedule_of(camera).lease) == held


def test_a_reading_does_not_profit_from_the_lease_of_its_neighbour_in_the_batch(camera: Device) -> None:
    channel = factories.device(camera.compound, endpoint=camera.endpoint, channel=1)
    held = lease(camera)

    counted = take_in([reading(camera, START, held), reading(channel, START, "forged")], START)

    assert counted == 1
    assert not DeviceState.objects.filter(device=channel).exists()


def test_a_lease_that_was_claimed_again_closes_the_old_one(camera: Device) -> None:
    old = lease(camera)
    lease(camera)

    assert take_in([reading(camera, START, old)], START) == 0


def test_a_reading_counts_once(camera: Device) -> None:
    once = reading(camera, START, lease(camera))
    take_in([once], START)

    assert take_in([once], START) == 0


def test_a_lease_is_good_for_one_reading_of_a_device(camera: Device) -> None:
    held = lease(camera)

    counted = take_in([reading(camera, START, held), reading(camera, minute(1), held, OFF)], minute(1))

    assert counted == 1
    assert state_of(camera).looked_at == START


def test_a_reading_of_a_device_that_has_moved_to_another_endpoint_does_not_count(camera: Device) -> None:
    late = reading(camera, START, lease(camera), passport={"path": "/old"})
    camera.endpoint = factories.endpoint()
    camera.save()

    assert take_in([late], START) == 0
    assert not Passport.objects.exists()


def test_a_reading_of_an_unknown_device_harms_nobody(camera: Device) -> None:
    held = lease(camera)
    stranger = replace(reading(camera, START, held), device_id=camera.pk + 1_000_000, passport={"path": "/x"})

    assert take_in([stranger, reading(camera, START, held)], START) == 1


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_late_or_repeated_reading_changes_nothing(camera: Device, earlier: int) -> None:
    visit(camera, minute(1))
    before = DeviceState.objects.values().get()

    counted = visit(camera, minute(1 - earlier), OFF, passport={"path": "/late"})

    assert counted == 0
    assert DeviceState.objects.values().get() == before
    assert not Passport.objects.exists()


def test_a_late_reading_still_gives_the_lease_back(camera: Device) -> None:
    visit(camera, minute(1))
    visit(camera, START)

    assert schedule_of(camera).lease is None


def test_a_collector_whose_clock_is_ahead_does_not_make_the_next_readings_late(camera: Device) -> None:
    ahead = reading(camera, minute(50), lease(camera))
    take_in([ahead], START)

    assert state_of(camera).looked_at == START
    assert visit(camera, minute(1)) == 1


def test_refused_readings_are_told_to_the_operator(camera: Device, caplog: pytest.LogCaptureFixture) -> None:
    take_in([reading(camera, START, "forged")], START)

    assert "1 readings of zone local came without an open lease" in caplog.text


def test_counted_readings_are_no_news(camera: Device, caplog: pytest.LogCaptureFixture) -> None:
    visit(camera, START)

    assert caplog.text == ""


# -- states, transitions, incidents


def test_a_transition_says_since_when_it_is_true_and_when_it_was_known(camera: Device) -> None:
    for number, found in enumerate([GOOD, OFF, OFF]):
        visit(camera, minute(number), found)

    last = Transition.objects.get(now=State.FAULTY)
    assert (last.aspect, last.was, last.cause) == (Aspect.LINK, State.SUSPECT, "no_answer")
    assert (last.at, last.decided_at) == (minute(1), minute(2))


def test_status_changes_with_the_reading_that_settles_it(camera: Device) -> None:
    visit(camera, START)
    visit(camera, minute(1), OFF)
    assert state_of(camera).status == Status.ONLINE

    visit(camera, minute(2), OFF)
    assert (state_of(camera).status, state_of(camera).status_since) == (Status.OFFLINE, minute(2))

    visit(camera, minute(3), OFF)
    assert state_of(camera).status_since == minute(2)


def test_each_aspect_has_its_own_threshold(camera: Device) -> None:
    visit(camera, START, access=bad("login_refused"), clock=bad("clock_off"), picture=bad("black"))

    assert track_state(camera, Aspect.ACCESS) is State.FAULTY
    assert track_state(camera, Aspect.CLOCK) is State.SUSPECT
    assert state_of(camera).status == Status.AUTH_FAILED


def test_an_aspect_that_was_not_asked_for_keeps_its_state(camera: Device) -> None:
    visit(camera, START, picture=GOOD)
    visit(camera, minute(1))

    assert track_state(camera, Aspect.PICTURE) is State.OK


def test_a_device_has_one_open_incident_per_aspect(camera: Device) -> None:
    for number in range(6):
        visit(camera, minute(number), OFF, access=bad("login_refused"))

    assert sorted(Incident.objects.values_list("aspect", flat=True)) == [Aspect.ACCESS, Aspect.LINK]


def test_an_incident_ends_with_the_first_good_reading_and_a_new_fault_is_a_new_incident(camera: Device) -> None:
    for number, found in enumerate([OFF, OFF, GOOD, GOOD, OFF, OFF]):
        visit(camera, minute(number), found)

    first, second = Incident.objects.order_by("pk")
    assert (first.started_at, first.ended_at, first.end_decided_at) == (START, minute(2), minute(3))
    assert (second.started_at, second.ended_at) == (minute(4), None)


# -- hours


def hours(device: Device) -> list[DeviceHour]:
    return list(DeviceHour.objects.filter(device=device).order_by("start"))


def test_the_running_hour_books_what_held_between_two_readings(camera: Device) -> None:
    visit(camera, START, clock=GOOD)
    visit(camera, minute(1), clock=GOOD)

    running = state_of(camera).read_hour()
    assert running is not None
    assert (running.start, running.online_s, running.clock_ok_s, running.looks) == (START, 60.0, 60.0, 2)
    assert not hours(camera)


def test_an_hour_is_written_when_it_turns_and_split_exactly(camera: Device) -> None:
    visit(camera, minute(59))
    visit(camera, minute(60.5))

    [row] = hours(camera)
    running = state_of(camera).read_hour()
    assert (row.start, row.online_s, row.looks, row.pictures) == (START, 60.0, 1, 0)
    assert running is not None
    assert (running.start, running.online_s, running.looks) == (minute(60), 30.0, 1)


def test_time_offline_is_booked_as_offline_from_the_decision_on(camera: Device) -> None:
    for number, found in enumerate([GOOD, OFF, OFF, OFF]):
        visit(camera, minute(number), found, clock=GOOD)

    running = state_of(camera).read_hour()
    assert running is not None
    assert (running.online_s, running.offline_s, running.clock_ok_s) == (120.0, 60.0, 120.0)


@pytest.mark.parametrize(("minutes", "blind"), [(2.5, False), (2.51, True)])
def test_a_silence_of_ours_up_to_two_and_a_half_intervals_is_bridged(
    camera: Device, minutes: float, blind: bool
) -> None:
    visit(camera, START)
    visit(camera, minute(minutes))

    running = state_of(camera).read_hour()
    assert running is not None
    assert running.blind_s == pytest.approx(minutes * 60 * blind)
    assert running.online_s == pytest.approx(minutes * 60 * (not blind))


def test_time_before_anything_is_known_is_blind(camera: Device) -> None:
    visit(camera, START, BLANK)
    visit(camera, minute(1), BLANK)

    running = state_of(camera).read_hour()
    assert running is not None
    assert running.blind_s == 60.0


def test_only_devices_in_use_count(camera: Device) -> None:
    Device.objects.update(life="trial")
    visit(camera, START)
    visit(camera, minute(1))

    running = state_of(camera).read_hour()
    assert running is not None
    assert (running.excluded_s, running.online_s) == (60.0, 0.0)


def usable(camera: Device, gap_minutes: float, picture: Finding = GOOD) -> float:
    """Usable seconds of the minute that ends so long after the last picture."""
    taken = {"k": (b"thumbnail", None)}
    first = reading(camera, START, lease(camera), picture=picture, shot=note("k"))
    take_in([first], START, taken)
    before = minute(gap_minutes - 1)
    while (state_of(camera).looked_at or START) < before:
        visit(camera, min(before, (state_of(camera).looked_at or START) + timedelta(minutes=2)))
    was = state_of(camera).read_hour()
    visit(camera, minute(gap_minutes))
    now = state_of(camera).read_hour()
    assert was is not None
    assert now is not None
    return now.usable_s - was.usable_s


@pytest.mark.parametrize(("gap", "seconds"), [(1, 60.0), (30, 60.0), (30.5, 0.0)])
def test_a_picture_proves_a_usable_view_for_three_intervals(camera: Device, gap: float, seconds: float) -> None:
    assert usable(camera, gap) == seconds


def test_a_faulty_picture_is_no_usable_view(camera: Device) -> None:
    for number in range(4):
        shot = reading(camera, minute(number), lease(camera), picture=bad("black"), shot=note("k"))
        take_in([shot], minute(number), {"k": (b"thumbnail", None)})

    running = state_of(camera).read_hour()
    assert running is not None
    assert (running.usable_s, running.pictures) == (60.0 * 2, 4)  # suspected twice, confirmed at the third


def test_a_camera_without_a_picture_is_not_usable(camera: Device) -> None:
    visit(camera, START, picture=GOOD)
    visit(camera, minute(1))

    running = state_of(camera).read_hour()
    assert running is not None
    assert (running.online_s, running.usable_s) == (60.0, 0.0)


def test_a_loudspeaker_is_usable_while_it_answers() -> None:
    speaker = factories.device(kind="loudspeaker")
    visit(speaker, START)
    visit(speaker, minute(1))

    running = state_of(speaker).read_hour()
    assert running is not None
    assert running.usable_s == 60.0


# -- our own silence


def silent_after(camera: Device, seconds: float) -> int:
    return recording.mark_silent(START + timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "silent"), [(150, 0), (151, 1)])
def test_whoever_was_not_looked_at_for_two_and_a_half_intervals_is_unknown(
    camera: Device, seconds: float, silent: int
) -> None:
    visit(camera, START)

    assert silent_after(camera, seconds) == silent
    assert state_of(camera).status == (Status.UNKNOWN if silent else Status.ONLINE)


def test_silence_is_true_from_the_last_look_on_and_says_whose_it_is(camera: Device) -> None:
    visit(camera, START)
    silent_after(camera, 300)

    lost = Transition.objects.get(now=State.UNKNOWN)
    assert (lost.at, lost.decided_at, lost.cause) == (START, minute(5), "platform_silent")
    assert state_of(camera).status_since == START
    assert state_of(camera).read_tracks()[Aspect.LINK].why == "platform_silent"


def test_silence_is_noted_once(camera: Device) -> None:
    visit(camera, START, clock=GOOD)

    assert [silent_after(camera, seconds) for seconds in (300, 360)] == [1, 0]
    assert Transition.objects.filter(now=State.UNKNOWN).count() == 2


def test_silence_about_a_device_that_is_off_is_noted_once(camera: Device) -> None:
    for number, found in enumerate([OFF, OFF, GOOD]):
        visit(camera, minute(number), found, clock=GOOD)

    assert [silent_after(camera, seconds) for seconds in (600, 660, 720)] == [1, 0, 0]
    assert state_of(camera).status == Status.OFFLINE
    assert Transition.objects.filter(now=State.UNKNOWN, aspect=Aspect.CLOCK).count() == 1


def test_silence_leaves_a_confirmed_fault_open(camera: Device) -> None:
    for number in range(2):
        visit(camera, minute(number), OFF)
    silent_after(camera, 600)

    assert state_of(camera).status == Status.OFFLINE
    assert Incident.objects.open().count() == 1


def test_a_paused_device_is_not_silent(camera: Device) -> None:
    visit(camera, START)
    Device.objects.update(pause_reason="the wall is painted")

    assert silent_after(camera, 600) == 0


# -- credentials at rest


def refused(camera: Device, at_minute: float, hold_s: int = 2100, cause: str = "login_refused") -> Schedule:
    visit(camera, minute(at_minute), access=bad(cause), credential="refused", hold_s=hold_s)
    return schedule_of(camera)


def rest_s(row: Schedule, at_minute: float) -> float:
    assert row.hold_until is not None
    return (row.hold_until - minute(at_minute)).total_seconds()


def test_a_refused_login_rests_twice_as_long_each_time_up_to_a_day(camera: Device) -> None:
    rests = [rest_s(refused(camera, number), number) for number in range(8)]

    assert rests == [2100, 4200, 8400, 16_800, 33_600, 67_200, 86_400, 86_400]
    assert schedule_of(camera).hold_cause == "login_refused"


def test_one_doubtful_refusal_rests_shortly_and_is_not_counted(camera: Device) -> None:
    visit(camera, START, credential="worked")
    assert schedule_of(camera).worked

    doubtful = refused(camera, 1, hold_s=90)

    assert (rest_s(doubtful, 1), doubtful.holds, doubtful.worked) == (90, 0, False)
    assert rest_s(refused(camera, 3), 3) == 2100


@pytest.mark.parametrize(("hold_s", "holds"), [(1799, 0), (1800, 1)])
def test_a_rest_of_half_an_hour_is_a_refusal(camera: Device, hold_s: int, holds: int) -> None:
    assert refused(camera, 0, hold_s).holds == holds


def test_a_login_that_works_ends_the_rest(camera: Device) -> None:
    refused(camera, 0)
    visit(camera, minute(1), access=GOOD, credential="worked")

    row = schedule_of(camera)
    assert (row.worked, row.hold_until, row.hold_cause, row.holds) == (True, None, "", 0)


def test_a_visit_without_login_leaves_the_rest_alone(camera: Device) -> None:
    until = refused(camera, 0).hold_until
    visit(camera, minute(1))

    assert schedule_of(camera).hold_until == until


def test_a_refusal_that_asks_for_no_rest_sets_none(camera: Device) -> None:
    visit(camera, START, credential="refused")

    assert schedule_of(camera).hold_until is None


@pytest.mark.parametrize(("changed_at", "rests"), [(minute(-1), True), (minute(1), False)])
def test_a_refusal_that_comes_too_late_to_count_is_remembered_for_the_login_that_it_was(
    camera: Device, changed_at: datetime, rests: bool
) -> None:
    give_login(camera, changed_at)
    lease(camera)
    told: dict[str, Any] = {"access": bad("login_refused"), "credential": "refused", "hold_s": 2100}

    assert take_in([reading(camera, START, "another", **told)], minute(2)) == 0

    row = schedule_of(camera)
    assert (row.hold_until, row.hold_cause) == ((minute(35), "login_refused") if rests else (None, ""))
    assert row.lease is not None


def test_a_recorder_with_four_channels_is_refused_once() -> None:
    recorder = factories.device(kind="recorder")
    channels = [factories.device(recorder.compound, endpoint=recorder.endpoint, channel=n) for n in (1, 2, 3)]
    held = lease(recorder)
    readings = [
        reading(item, START, held, access=bad("login_refused"), credential="refused", hold_s=2100)
        for item in (recorder, *channels)
    ]

    take_in([*readings, reading(recorder, minute(1), held, credential="worked")], minute(1))

    assert (schedule_of(recorder).holds, rest_s(schedule_of(recorder), 0)) == (1, 2100)


# -- passports


def test_a_passport_learns_by_and_by(camera: Device) -> None:
    visit(camera, START, passport={"path": "/snap", "scheme": "digest"}, facts={"model": "X1"})
    visit(camera, minute(1), passport={"path": "/new"}, facts={"firmware": "2"})

    row = Passport.objects.get(device=camera)
    assert row.learned == {"path": "/new", "scheme": "digest"}
    assert (row.facts, row.facts_at) == ({"model": "X1", "firmware": "2"}, minute(1))


def test_what_is_no_longer_true_is_forgotten(camera: Device) -> None:
    visit(camera, START, passport={"path": "/snap", "scheme": "digest"}, facts={"model": "X1"})
    visit(camera, minute(1), passport={"path": None})

    row = Passport.objects.get(device=camera)
    assert (row.learned, row.facts, row.facts_at) == ({"scheme": "digest"}, {"model": "X1"}, START)


def test_nothing_learned_writes_no_passport(camera: Device) -> None:
    visit(camera, START)

    assert not Passport.objects.exists()


# -- pictures


def hash_of(data: bytes) -> str:
    """Something that differs where pictures differ, as long as a hash."""
    return f"{data.hex():0<64}"


def shoot(
    camera: Device,
    number: float,
    data: bytes = b"thumbnail",
    picture: Finding = GOOD,
    original: bytes | None = None,
    **fields: Any,
) -> None:
    """A visit that took a picture."""
    shot = note("k", hash_of(data), **fields)
    taken = reading(camera, minute(number), lease(camera), picture=picture, shot=shot)
    take_in([taken], minute(number), {"k": (data, original)})


def test_the_last_picture_is_kept_with_what_was_seen_in_it(camera: Device) -> None:
    shoot(camera, 0, trail=b"trail", covered_share=0.12345, blocks=(3, 4), shift=(1.0, 2.0), reason="r")

    state = state_of(camera)
    assert media(state.picture_file).read_bytes() == b"thumbnail"
    assert state.picture_at == START
    assert bytes(state.trail) == b"trail"
    assert state.picture == {
        "label": "normal",
        "score": 0.912,
        "checkable": True,
        "reason": "r",
        "phase": "day",
        "width": 1920,
        "height": 1080,
        "sha256": hash_of(b"thumbnail"),
        "covered_share": 0.123,
        "blocks": [3, 4],
        "shift": [1.0, 2.0],
    }


def test_the_picture_before_stands_until_the_new_one_is_saved(camera: Device) -> None:
    shoot(camera, 0, b"old")
    before = state_of(camera).picture_file
    with pytest.raises(RuntimeError, match="lost"), transaction.atomic():
        shoot(camera, 1, b"new, and longer")
        raise RuntimeError("the database is lost")

    assert state_of(camera).picture_file == before
    assert media(before).read_bytes() == b"old"


def test_two_files_take_turns(camera: Device) -> None:
    names = []
    for number, data in enumerate([b"first", b"second", b"3rd", b"3rd"]):
        shoot(camera, number, data)
        names.append(state_of(camera).picture_file)
        assert media(names[-1]).read_bytes() == data

    assert names == [*last_files(camera.pk), *last_files(camera.pk)]


def test_a_file_of_an_earlier_version_goes_when_its_successor_is_saved(
    camera: Device, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    shoot(camera, 0)
    old = keep("last", camera.pk, hash_of(b"old"), b"old")
    DeviceState.objects.update(picture_file=old)
    with django_capture_on_commit_callbacks(execute=True):
        shoot(camera, 1, b"new")
        assert media(old).exists()

    assert not media(old).exists()
    assert media(state_of(camera).picture_file).read_bytes() == b"new"


@pytest.mark.parametrize(("learned", "owed_s", "due"), [("path", 20.0, 20.02), ("path", 0.0, 0.02), ("", 20.0, 600.0)])
def test_a_picture_that_a_first_visit_did_not_come_to_is_asked_for_as_soon_as_the_device_bears_it(
    camera: Device, learned: str, owed_s: float, due: float
) -> None:
    held = lease(camera)
    Schedule.objects.update(picture_due=minute(10))
    passport = {"snapshot_path": learned} if learned else {}
    take_in([reading(camera, START, held, picture=BLANK, passport=passport, owed_s=owed_s)], START)

    assert Schedule.objects.get().picture_due == START + timedelta(seconds=due)


def test_a_picture_that_expired_at_the_broker_leaves_the_last_one(camera: Device) -> None:
    shoot(camera, 0, b"kept")
    gone = reading(camera, minute(1), lease(camera), picture=GOOD, shot=note("gone", trail=b"newer"))
    take_in([gone], minute(1))

    state = state_of(camera)
    assert (media(state.picture_file).read_bytes(), state.picture_at) == (b"kept", START)
    assert bytes(state.trail) == b"newer"


def test_a_picture_incident_keeps_the_picture_that_confirmed_it(camera: Device) -> None:
    for number in range(4):
        shoot(camera, number, bytes([65 + number]), picture=bad("obstructed", share=0.6), label="obstructed")

    proof = Picture.objects.get(role=Picture.Role.PROOF)
    assert media(proof.file).read_bytes() == b"C"
    assert (proof.taken_at, proof.phase, proof.width, proof.height) == (minute(2), "day", 1920, 1080)
    assert proof.incident == Incident.objects.get()
    assert proof.sha256 == hash_of(b"C")


def test_the_proof_is_the_original_where_it_was_asked_for(camera: Device) -> None:
    for number in range(3):
        shoot(camera, number, picture=bad("black"), original=b"all of it")

    assert media(Picture.objects.get().file).read_bytes() == b"all of it"
    assert media(state_of(camera).picture_file).read_bytes() == b"thumbnail"


def test_an_incident_for_want_of_a_picture_has_no_proof(camera: Device) -> None:
    """The last good picture proves nothing about a camera that gives none."""
    shoot(camera, 0)
    for number in (1, 2, 3):
        visit(camera, minute(number), picture=bad("snapshot_missing"))

    assert Incident.objects.get().cause == "snapshot_missing"
    assert not Picture.objects.exists()


def test_a_link_incident_has_no_proof(camera: Device) -> None:
    shoot(camera, 0)
    for number in (1, 2):
        shot = reading(camera, minute(number), lease(camera), OFF, note("k"))
        take_in([shot], minute(number), {"k": (b"thumbnail", None)})

    assert Incident.objects.get().aspect == Aspect.LINK
    assert not Picture.objects.exists()


# -- when to look again


def test_a_suspect_is_looked_at_again_soon_and_the_lease_given_back(camera: Device) -> None:
    visit(camera, START)
    assert schedule_of(camera).recheck_due is None

    Schedule.objects.update(due=minute(9))
    visit(camera, minute(1), OFF)

    row = schedule_of(camera)
    assert row.recheck_due == row.due == minute(1.5)
    assert (row.lease, row.leased_until) == (None, minute(1))


def test_an_earlier_second_look_stays(camera: Device) -> None:
    held = lease(camera)
    Schedule.objects.update(recheck_due=minute(0.1), due=minute(5))
    take_in([reading(camera, START, held, OFF)], START)

    assert (schedule_of(camera).recheck_due, schedule_of(camera).due) == (minute(0.1), minute(0.1))


def test_an_earlier_regular_look_is_not_put_off(camera: Device) -> None:
    held = lease(camera)
    Schedule.objects.update(due=minute(0.1))
    take_in([reading(camera, START, held, OFF)], START)

    assert schedule_of(camera).due == minute(0.1)


def test_nothing_suspect_leaves_the_schedule_alone(camera: Device) -> None:
    held = lease(camera)
    Schedule.objects.update(due=minute(5))
    take_in([reading(camera, START, held)], START)

    assert (schedule_of(camera).recheck_due, schedule_of(camera).due) == (None, minute(5))


@pytest.fixture
def switch(camera: Device) -> Device:
    row = factories.device(camera.compound, kind="switch")
    Device.objects.filter(pk=camera.pk).update(parent=row)
    lease(row, minute(-10))
    Schedule.objects.update(due=minute(9), lease=None, leased_until=None)
    return row


def test_the_parent_of_a_suspect_is_looked_at_at_once(camera: Device, switch: Device) -> None:
    visit(camera, START, OFF)

    row = schedule_of(switch)
    assert (row.recheck_due, row.due) == (START, START)


def test_a_suspect_picture_says_nothing_about_the_parent(camera: Device, switch: Device) -> None:
    visit(camera, START, picture=bad("black"))

    assert schedule_of(switch).recheck_due is None


def test_a_second_look_at_the_parent_that_is_set_already_stays(camera: Device, switch: Device) -> None:
    Schedule.objects.filter(endpoint=switch.endpoint).update(recheck_due=minute(3))
    visit(camera, START, OFF)

    assert schedule_of(switch).recheck_due == minute(3)


def test_a_parent_seen_in_the_same_batch_is_not_looked_at_again(camera: Device, switch: Device) -> None:
    batch = [reading(camera, START, lease(camera), OFF), reading(switch, START, lease(switch))]
    take_in(batch, START)

    assert schedule_of(switch).recheck_due is None


# -- cost


def statements(count: int) -> int:
    """How many statements it takes to record batches in which everything happens."""
    place = factories.compound()
    switch = factories.device(place, kind="switch")
    cameras = [factories.device(place, parent=switch) for _ in range(count)]
    spent = 0
    for at in (minute(0), minute(1), minute(61)):
        batch = [reading(switch, at, lease(switch), OFF), *(dreadful(item, at) for item in cameras)]
        with CaptureQueriesContext(connection) as captured:
            take_in(batch, at, {"k": (b"thumbnail", b"original")})
        spent += len(captured)
    assert Picture.objects.filter(device__in=cameras).count() == count
    assert Incident.objects.filter(device__in=cameras, root__device=switch).count() == count
    return spent


def dreadful(camera: Device, at: datetime) -> Reading:
    """A reading that has something to say on everything."""
    return reading(
        camera,
        at,
        lease(camera),
        OFF,
        note("k"),
        picture=bad("black"),
        access=bad("login_refused"),
        passport={"path": "/"},
        facts={"model": "X1"},
        credential="refused",
        hold_s=2100,
    )


def test_the_number_of_statements_does_not_grow_with_the_batch() -> None:
    assert statements(5) == statements(100)


@settings(max_examples=15, deadline=None)
@given(st.text("gbu", max_size=12))
def test_a_device_is_offline_exactly_while_its_link_incident_is_open(letters: str) -> None:
    camera = factories.device()
    for number, letter in enumerate(letters):
        visit(camera, minute(number), {"g": GOOD, "b": OFF, "u": BLANK}[letter])

    offline = DeviceState.objects.filter(device=camera, status=Status.OFFLINE).exists()
    assert offline == Incident.objects.open().filter(device=camera, aspect=Aspect.LINK).exists()


# -- facts in helpings


@pytest.mark.parametrize(("still_open", "soon"), [("3", True), ("", False)])
def test_facts_that_a_visit_left_open_are_asked_soon(camera: Device, still_open: str, soon: bool) -> None:
    held = lease(camera)
    Schedule.objects.update(claimed=BITS[Tier.FACTS], facts_due=minute(1440), due=minute(1))

    take_in([reading(camera, START, held, passport={"facts_open": still_open})], START)

    assert (schedule_of(camera).facts_due == minute(0.5)) is soon


def test_facts_wait_where_a_picture_is_still_to_be_reached(camera: Device) -> None:
    held = lease(camera)
    Schedule.objects.update(claimed=BITS[Tier.FACTS] | BITS[Tier.PICTURE], facts_due=minute(1440))

    take_in([reading(camera, START, held, passport={"facts_open": "3"}, picture=BLANK)], START)

    assert schedule_of(camera).facts_due == minute(5)


# -- raw readings


def test_what_is_not_ok_is_kept_raw_and_what_is_fine_is_not(camera: Device) -> None:
    visit(camera, START)
    visit(camera, minute(1), OFF)

    [row] = RawReading.objects.all()
    assert (row.device_id, row.at, row.looked, row.findings["link"]) == (
        camera.pk,
        minute(1),
        False,
        ["faulty", "no_answer"],
    )


def test_what_a_person_looked_at_is_kept_raw(camera: Device) -> None:
    recording.record([reading(camera, START, lease(camera))], "local", lambda _key: None, START, looked=True)

    assert RawReading.objects.get().looked is True
