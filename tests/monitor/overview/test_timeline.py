"""Specification of a device's day: what was observed, who was told, what people did, the newest first."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from devices.models import Device
from monitor.health import State
from monitor.models import Event, Look, Transition
from monitor.overview.acts import VIEW_ACTS, Act, acts_on, log
from monitor.overview.timeline import SHOWN, Entry, timeline
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW

MINUTE = timedelta(minutes=1)
SINCE = NOW - timedelta(hours=8)


def turn(
    device: Device, was: State, now: State, cause: str = "", aspect: Aspect = Aspect.PICTURE, ago: int = 1
) -> None:
    Transition.objects.create(
        device=device, aspect=aspect, was=was, now=now, at=NOW - (ago + 1) * MINUTE, decided_at=NOW - ago * MINUTE,
        cause=cause,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "cause", "css", "text", "aside"),
    [
        (State.OK, State.SUSPECT, "obstructed", "sus", "Suspected: Obstructed", "Picture"),
        (State.SUSPECT, State.FAULTY, "obstructed", "pic", "Confirmed: Obstructed", "Picture; it counts from 16:13"),
        (State.FAULTY, State.RECOVERING, "obstructed", "ok", "Good again, not yet confirmed", "Picture"),
        (State.RECOVERING, State.OK, "obstructed", "ok", "Recovered, true since 16:13", "Picture"),
        (State.SUSPECT, State.OK, "obstructed", "ok", "The suspicion was not confirmed", "Picture"),
        (State.UNKNOWN, State.OK, "", "ok", "Looked at: normal", "Picture"),
        (State.OK, State.UNKNOWN, "late", "unk", "Not known any more",
         "Picture: The platform did not finish the look in time."),
    ],
)  # fmt: skip
def test_each_transition_is_told_in_words(
    camera: Device, was: State, now: State, cause: str, css: str, text: str, aside: str
) -> None:
    turn(camera, was, now, cause)

    with time_machine.travel(NOW, tick=False):
        assert timeline(camera, SINCE) == [Entry(NOW - MINUTE, css, text, aside)]


def test_one_silence_is_one_entry(camera: Device) -> None:
    for aspect in (Aspect.LINK, Aspect.PICTURE):
        turn(camera, State.OK, State.UNKNOWN, "platform_silent", aspect)

    [entry] = timeline(camera, SINCE)

    assert entry.aside == "Link, Picture: The platform did not look."


def test_different_causes_at_one_instant_are_told_apart(camera: Device) -> None:
    turn(camera, State.SUSPECT, State.FAULTY, "obstructed")
    turn(camera, State.SUSPECT, State.FAULTY, "time_zone", Aspect.CLOCK)

    assert len(timeline(camera, SINCE)) == 2


def test_the_newest_comes_first_and_yesterday_does_not_come(camera: Device) -> None:
    turn(camera, State.UNKNOWN, State.OK, ago=5)
    turn(camera, State.OK, State.SUSPECT, "blur", ago=2)
    turn(camera, State.OK, State.SUSPECT, "frozen", ago=8 * 60 + 1)

    assert [entry.text for entry in timeline(camera, SINCE)] == ["Suspected: Out of focus", "Looked at: normal"]


def test_another_device_has_a_day_of_its_own(camera: Device) -> None:
    turn(factories.device(camera.compound), State.UNKNOWN, State.OK)

    assert timeline(camera, SINCE) == []


@pytest.mark.parametrize(
    ("kind", "people", "text"),
    [
        (Event.Kind.OPENED, 1, "Fault mailed to 1 person"),
        (Event.Kind.OPENED, 2, "Fault mailed to 2 people"),
        (Event.Kind.CLOSED, 1, "Recovery mailed to 1 person"),
        (Event.Kind.CLOSED, 2, "Recovery mailed to 2 people"),
    ],
)
def test_mails_that_went_out_are_counted(camera: Device, kind: str, people: int, text: str) -> None:
    event = factories.event(factories.incident(camera, "blur"), kind=kind)
    for _ in range(people):
        factories.notification(event, factories.user(), sent_at=NOW)
    factories.notification(event, factories.user())

    assert timeline(camera, SINCE) == [Entry(NOW, "ink", text, "Out of focus")]


def test_looks_and_acts_name_who_did_them(camera: Device) -> None:
    officer = factories.admin()
    with time_machine.travel(NOW, tick=False):
        Look.objects.create(device=camera, asked_by=officer)
        Look.objects.create(device=camera, asked_by=None)
        for act in (Act.PAUSE, Act.RESUME, *VIEW_ACTS):
            log(officer, camera, act, "works")

        found = {(entry.text, entry.aside) for entry in timeline(camera, SINCE)}

    assert found == {
        (f"{officer} looked again", ""),
        ("– looked again", ""),
        (f"{officer} paused the polling", "works"),
        (f"{officer} resumed the polling", "works"),
        (f"{officer} accepted the view as reference", ""),
        (f"{officer} taught: this is fine", ""),
        (f"{officer} taught: this is a fault", ""),
        (f"{officer} let the camera learn anew", ""),
    }


@pytest.mark.parametrize(
    ("act", "text", "aside"),
    [
        (Act.PROPOSE, "proposed: Learn anew", "lens cleaned"),
        (Act.GRANT, "granted: Learn anew", "proposed by lens cleaned"),
        (Act.REFUSE, "refused: Learn anew", "lens cleaned"),
    ],
)
def test_what_was_proposed_and_decided_is_named(camera: Device, act: Act, text: str, aside: str) -> None:
    officer = factories.admin()
    with time_machine.travel(NOW, tick=False):
        log(officer, camera, act, "lens cleaned", of=Act.ANEW)

    assert timeline(camera, SINCE) == [Entry(NOW, "ink", f"{officer} {text}", aside)]


def test_what_the_administration_wrote_is_no_act(camera: Device) -> None:
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.get_for_model(Device)
    of_django = '[{"changed": {"fields": ["name"]}}]'
    for message in ("", "[]", of_django, '{"act": "sing", "about": ""}', '{"act": "pause"}'):
        LogEntry.objects.create(
            user=factories.admin(), content_type=kind, object_id=str(camera.pk), action_flag=CHANGE,
            change_message=message,
        )  # fmt: skip

    assert acts_on(camera, SINCE) == []


def test_a_long_day_has_an_end(camera: Device) -> None:
    for ago in range(SHOWN + 1):
        turn(camera, State.OK, State.SUSPECT, "blur", ago=ago)

    assert len(timeline(camera, SINCE)) == SHOWN
