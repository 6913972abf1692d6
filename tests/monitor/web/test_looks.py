"""A person's look: asked for by POST, followed on its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from devices.models import Device, User
from monitor import tasks
from monitor.models import Look, LookStep
from monitor.web.looks import LIFE, PATIENCE, PAUSE, begin, progress
from monitor.wire import Aspect, Verdict
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The words are English message ids."""
    with override("en"):
        yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The looks that a worker was asked for."""
    numbers: list[int] = []
    monkeypatch.setattr(tasks.look, "delay_on_commit", numbers.append)
    return numbers


@pytest.fixture
def device() -> Device:
    return make.device()


@pytest.fixture
def officer(device: Device) -> User:
    return make.officer(device.compound.district)


@pytest.fixture
def client(officer: User) -> Client:
    browser = Client(headers={"Accept-Language": "en"})
    browser.force_login(officer)
    return browser


def step(look: Look, number: int, aspect: str = "", verdict: str = "", cause: str = "", **detail: Any) -> LookStep:
    return LookStep.objects.create(look=look, number=number, aspect=aspect, verdict=verdict, cause=cause, detail=detail)


def look(of: Device, **fields: Any) -> Look:
    return Look.objects.create(device=of, **fields)


# -- asking


def test_who_may_see_the_device_may_look(client: Client, device: Device, officer: User, asked: list[int]) -> None:
    answer = client.post(reverse("look-start", args=[device.pk]))
    row = Look.objects.get()
    assert answer["Location"] == reverse("look", args=[row.pk])
    assert (row.device, row.asked_by, asked) == (device, officer, [row.pk])


def test_who_may_not_see_it_may_not_look(device: Device, asked: list[int]) -> None:
    stranger = Client()
    stranger.force_login(make.officer())
    assert stranger.post(reverse("look-start", args=[device.pk])).status_code == 404
    assert Client().post(reverse("look-start", args=[device.pk]))["Location"].startswith(reverse("login"))
    assert not asked


def test_a_look_is_asked_for_by_post_only(client: Client, device: Device) -> None:
    assert client.get(reverse("look-start", args=[device.pk])).status_code == 405


def test_a_device_without_address_is_not_looked_at(client: Client, officer: User, asked: list[int]) -> None:
    bare = make.device(make.compound(officer.memberships.get().district), endpoint=None)
    assert client.post(reverse("look-start", args=[bare.pk]))["Location"] == reverse("device", args=[bare.pk])
    assert not asked


def test_one_look_at_a_time(device: Device, officer: User, asked: list[int]) -> None:
    first = begin(device, officer)
    Look.objects.update(asked_at=timezone.now() - LIFE + timedelta(seconds=2))
    assert begin(device, make.admin()) == first
    assert asked == [first.pk]


def test_whoever_presses_again_too_soon_gets_the_look_that_is_just_over(
    device: Device, officer: User, asked: list[int]
) -> None:
    now = timezone.now()
    first = look(device, asked_at=now - PAUSE + timedelta(seconds=2), finished_at=now)
    assert begin(device, officer) == first
    Look.objects.update(asked_at=now - PAUSE - timedelta(milliseconds=1))
    assert begin(device, officer) != first and len(asked) == 1


def test_a_look_that_nobody_ever_answered_does_not_block_the_next(
    device: Device, officer: User, asked: list[int]
) -> None:
    old = look(device, asked_at=timezone.now() - LIFE - timedelta(seconds=1))
    assert begin(device, officer) != old


def test_looks_at_other_devices_are_free(device: Device, officer: User, asked: list[int]) -> None:
    assert begin(device, officer) != begin(make.device(), officer)


# -- following


@pytest.mark.parametrize(
    ("fields", "age_s", "phase"),
    [
        ({}, 0, "waiting"),
        ({}, PATIENCE.total_seconds(), "waiting"),
        ({}, PATIENCE.total_seconds() + 0.1, "late"),
        ({}, LIFE.total_seconds(), "late"),
        ({}, LIFE.total_seconds() + 0.1, "failed"),
        ({"outcome": "busy"}, 25, "failed"),
        ({"outcome": "unanswered"}, 95, "failed"),
        ({"outcome": "done"}, 3, "done"),
    ],
)
def test_a_look_goes_through_phases(fields: dict[str, Any], age_s: float, phase: str, device: Device) -> None:
    now = timezone.now()
    row = look(device, asked_at=now - timedelta(seconds=age_s), finished_at=now if fields else None, **fields)
    found = progress(row, now)
    assert found.phase == phase and found.over == (phase in ("done", "failed"))
    assert found.sentence


def test_a_sent_look_and_one_with_steps_say_so(device: Device) -> None:
    now = timezone.now()
    row = look(device, asked_at=now, sent_at=now)
    assert progress(row, now).phase == "sent"
    step(row, 1, Aspect.LINK, Verdict.OK)
    assert progress(row, now + PATIENCE * 2).phase == "looking"


def test_a_reading_that_did_not_count_still_shows_what_was_seen(device: Device) -> None:
    row = look(device, finished_at=timezone.now(), outcome="refused")
    assert progress(row, timezone.now()).phase == "failed"
    step(row, 1, Aspect.LINK, Verdict.OK)
    assert progress(row, timezone.now()).phase == "done"


def test_facts_come_in_the_order_of_the_aspects_and_the_newest_counts(device: Device) -> None:
    row = look(device)
    step(row, 1, Aspect.PICTURE, Verdict.UNKNOWN, "no_reply")
    step(row, 2, Aspect.CLOCK, Verdict.FAULTY, "time_zone", offset_s=28_800.0)
    step(row, 3, Aspect.LINK, Verdict.OK)
    step(row, 4, Aspect.PICTURE, Verdict.FAULTY, "obstructed", share=0.6)
    facts = progress(row, timezone.now()).facts
    assert [(fact.title, fact.css, fact.word) for fact in facts] == [
        ("Link", "ok", "Normal"), ("Clock", "login", "Wrong time zone"), ("Picture", "pic", "Obstructed"),
    ]  # fmt: skip
    assert "8 h fast" in facts[1].sentence and "six tenths" in facts[2].sentence and facts[2].next_step


def test_what_is_unknown_says_why(device: Device) -> None:
    row = look(device)
    step(row, 1, Aspect.PICTURE, Verdict.UNKNOWN, "login_held")
    fact = progress(row, timezone.now()).facts[0]
    assert (fact.css, fact.word) == ("unk", "Unknown") and "login" in fact.sentence


LINK_DOWN, NOT_OFFERED = "while the link is down", "does not offer"


@pytest.mark.parametrize(
    ("kind", "steps", "words"),
    [
        ("camera", [(Aspect.LINK, Verdict.FAULTY, "port_closed")], ["", LINK_DOWN, LINK_DOWN, LINK_DOWN, LINK_DOWN]),
        (
            "camera",
            [(Aspect.LINK, Verdict.OK, ""), (Aspect.ACCESS, Verdict.FAULTY, "login_refused")],
            ["", "", "login is refused", "login is refused", "login is refused"],
        ),
        ("camera", [(Aspect.LINK, Verdict.OK, "")], ["", "in time", "in time", "in time", "in time"]),
        ("loudspeaker", [(Aspect.LINK, Verdict.OK, "")], ["", NOT_OFFERED, NOT_OFFERED, NOT_OFFERED, NOT_OFFERED]),
        (
            "recorder",
            [(Aspect.LINK, Verdict.OK, ""), (Aspect.ACCESS, Verdict.OK, "")],
            ["", "", "in time", NOT_OFFERED, "in time"],
        ),
    ],
)
def test_a_look_that_is_over_names_all_five_facts_and_why_one_is_unknown(
    kind: str, steps: list[tuple[str, str, str]], words: list[str]
) -> None:
    row = look(make.device(kind=kind), finished_at=timezone.now(), outcome="done")
    for number, (aspect, verdict, cause) in enumerate(steps):
        step(row, number, aspect, verdict, cause)
    facts = progress(row, timezone.now()).facts
    assert [fact.title for fact in facts] == ["Link", "Login", "Clock", "Picture", "Identity"]
    assert [fact.word == "Unknown" for fact in facts] == [bool(told) for told in words]
    assert all(told in fact.sentence for fact, told in zip(facts, words, strict=True))
    assert LookStep.objects.count() == len(steps)


def test_the_first_picture_of_a_camera_says_that_there_is_nothing_to_compare_it_with(device: Device) -> None:
    row = look(device)
    step(row, 1, Aspect.PICTURE, Verdict.UNKNOWN, "not_checkable", reason="no reference of this phase", width=640)
    assert "no reference view" in progress(row, timezone.now()).facts[0].sentence


@pytest.mark.parametrize(
    ("aspect", "detail", "words"),
    [
        (Aspect.CLOCK, {"offset_s": -3.2}, "3 s slow"),
        (Aspect.CLOCK, {"offset_s": 1.0}, "1 s fast"),
        (Aspect.CLOCK, {"offset_s": -0.9}, "is right"),
        (Aspect.ACCESS, {}, "login works"),
        (Aspect.IDENTITY, {"manufacturer": "Acme", "model": "X", "firmware": "1.0"}, "Acme X 1.0"),
        (Aspect.PICTURE, {"width": 1280, "height": 720}, "1280 × 720"),
        (Aspect.LINK, {}, "answers"),
        (Aspect.RECORDING, {}, "Recordings are there"),
        (Aspect.IDENTITY, {}, ""),
    ],
)
def test_a_good_fact_tells_what_was_measured(aspect: str, detail: dict[str, Any], words: str, device: Device) -> None:
    row = look(device)
    step(row, 1, aspect, Verdict.OK, **detail)
    sentence = progress(row, timezone.now()).facts[0].sentence
    assert words in sentence if words else sentence == ""


@pytest.mark.parametrize(
    ("steps", "outcome", "words"),
    [
        ([(Aspect.LINK, Verdict.OK, ""), (Aspect.ACCESS, Verdict.OK, "")], "done", "Everything is in order"),
        ([(Aspect.LINK, Verdict.OK, ""), (Aspect.CLOCK, Verdict.UNKNOWN, "no_reply")], "done", "What could be seen"),
        ([(Aspect.CLOCK, Verdict.FAULTY, "clock_off"), (Aspect.LINK, Verdict.FAULTY, "silent")], "done", "nothing is"),
        ([(Aspect.LINK, Verdict.OK, ""), (Aspect.PICTURE, Verdict.UNKNOWN, "login_held")], "done", "suspended"),
        ([], "busy", "under way"),
        ([], "no_endpoint", "no address"),
        ([], "unanswered", "not answered"),
    ],
)
def test_a_look_ends_with_a_sentence(
    steps: list[tuple[str, str, str]], outcome: str, words: str, device: Device
) -> None:
    row = look(device, finished_at=timezone.now(), outcome=outcome)
    for number, (aspect, verdict, cause) in enumerate(steps):
        step(row, number, aspect, verdict, cause)
    assert words in progress(row, timezone.now()).sentence


def test_the_page_follows_until_the_look_is_over(client: Client, device: Device) -> None:
    row = look(device)
    LookStep.objects.create(
        look=row, number=1, request={"what": "GetDeviceInformation", "address": "http://x", "took_ms": 12.6},
    )  # fmt: skip
    page = client.get(reverse("look", args=[row.pk])).content.decode()
    assert 'hx-trigger="every 700ms"' in page and "GetDeviceInformation" in page and "13" in page
    state = make.last_picture(make.state(device))
    Look.objects.update(finished_at=timezone.now(), outcome="done")
    part = client.get(reverse("look", args=[row.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "hx-trigger" not in part
    assert (
        reverse("picture", args=[state.device_id, "last"]) in part and reverse("look-start", args=[device.pk]) in part
    )


def test_a_late_look_says_what_to_do(client: Client, device: Device) -> None:
    row = look(device, asked_at=timezone.now() - PATIENCE - timedelta(seconds=5))
    assert 'class="empty' in client.get(reverse("look", args=[row.pk])).content.decode()


def test_the_look_of_somebody_else_s_device_is_not_there(device: Device) -> None:
    stranger = Client()
    stranger.force_login(make.officer())
    assert stranger.get(reverse("look", args=[look(device).pk])).status_code == 404


def test_a_look_that_a_wrong_login_stopped_leads_to_the_login(client: Client, device: Device) -> None:
    row = look(device, finished_at=timezone.now(), outcome="done")
    step(row, 1, Aspect.LINK, Verdict.OK)
    url = reverse("device-credential", args=[device.pk])
    assert url not in client.get(reverse("look", args=[row.pk])).content.decode()
    step(row, 2, Aspect.PICTURE, Verdict.UNKNOWN, "login_held")
    assert url in client.get(reverse("look", args=[row.pk])).content.decode()
    reader = Client()
    reader.force_login(make.member("viewer", district=device.compound.district))
    assert url not in reader.get(reverse("look", args=[row.pk])).content.decode()
