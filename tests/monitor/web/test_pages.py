"""Specification of what the pages say: sentences, cut percentages, stale pictures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from devices.models import Compound, Device, Kind, User
from monitor.health import State, Track
from monitor.models import DeviceState, PolicyRule, Schedule
from monitor.rawlog import write_raw
from monitor.wire import Aspect
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched
from tests.monitor.visits import bad, reading
from tests.monitor.web.reading import Page, SignIn, words_of

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


# -- the sentence of the first page


def test_all_is_well_in_one_sentence(compound: Compound, reads: Page) -> None:
    for age in (12, 50):
        device = seen(compound)
        DeviceState.objects.filter(device=device).update(looked_at=NOW - age * SECOND)

    assert "All 2 points can be seen clearly. Last look 12 s ago." in reads("home")


def test_what_cannot_be_seen_is_named_with_its_cause(compound: Compound, reads: Page) -> None:
    seen(compound)
    device = watched(compound, name="North gate")
    factories.broken(device, "obstructed", NOW - HOUR)

    told = reads("home")

    assert "2 points, 1 can be seen clearly now." in told
    assert "Hefei Road · North gate cannot be seen: Obstructed, for 1 h." in told


def test_a_dead_switch_is_named_with_what_it_takes_along(compound: Compound, reads: Page) -> None:
    switch = watched(compound, name="Switch 3", kind=Kind.SWITCH)
    root = factories.broken(switch, since=NOW - HOUR)
    for name in ("gate", "road"):
        child = watched(compound, name=name, parent=switch)
        factories.broken(child).__class__.objects.filter(device=child).update(root=root)

    told = reads("home")

    assert "Hefei Road · Switch 3 is down and takes 2 devices with it, for 1 h." in told
    assert "Hefei Road · Switch 3, affects 2" in told
    assert "gate, road" in told


def test_a_fault_that_takes_no_view_away_is_not_called_unseen(compound: Compound, reads: Page) -> None:
    device = seen(compound, name="Gate")
    factories.incident(device, "time_zone", started_at=NOW - HOUR, detail={"offset_s": 28_800})

    told = reads("home")

    assert "1 point, 1 can be seen clearly now." in told
    assert "Hefei Road · Gate: Wrong time zone, for 1 h." in told
    assert "1 of them seen clearly" in told


def test_the_first_round_is_counted(compound: Compound, reads: Page) -> None:
    seen(compound)
    watched(compound)

    told = reads("home")

    assert "First round 1/2" in told
    assert "2 points, 1 seen clearly so far." in told


def test_after_a_silence_it_says_how_many_were_looked_at_again(compound: Compound, reads: Page) -> None:
    seen(compound)
    DeviceState.objects.filter(device=seen(compound)).update(looked_at=NOW - HOUR)

    assert "Looking again: 1/2 were looked at lately." in reads("home")


def test_a_suspicion_says_when_it_is_decided(compound: Compound, reads: Page) -> None:
    device = watched(compound, name="Gate")
    track = Track(State.SUSPECT, ring=3, seen=2, cause="obstructed")
    factories.state(device, {Aspect.LINK: Track(State.OK), Aspect.PICTURE: track}, looked_at=NOW)

    assert "Obstructed, seen 2 of 3 times, confirmed in about 30 s" in reads("home")


# -- figures


def test_a_percentage_is_cut_and_stands_beside_its_hours(compound: Compound, reads: Page) -> None:
    device = seen(compound)
    for hours in range(1, 11):
        factories.hour(device, NOW.replace(minute=0) - hours * HOUR, usable_s=3599.9)

    told = reads("home")

    assert "99.00 % (9.9 / 10.0 point-hours)" in told
    assert "Data coverage 100.00 % (10.0 / 10.0 point-hours)" in told


def test_without_hours_there_is_nothing_to_count(compound: Compound, reads: Page) -> None:
    seen(compound)

    assert reads("home").count("nothing to count yet") == 2


def test_large_numbers_are_set_in_groups(compound: Compound, reads: Page) -> None:
    device = seen(compound)
    factories.hour(device, NOW.replace(minute=0) - HOUR, online_s=36_000_000, usable_s=36_000_000)

    assert "Usable-picture rate this month 100.00 % (10 000.0 / 10 000.0 point-hours)" in reads("home")


@pytest.mark.parametrize("name", ["home", "compound", "device"])
def test_pages_with_figures_say_how_far_they_can_be_trusted(compound: Compound, reads: Page, name: str) -> None:
    device = seen(compound)
    told = reads(name, *{"home": [], "compound": [compound.pk], "device": [device.pk]}[name])

    assert "Oldest look 0 s ago" in told
    assert "Blind today 0 s a point" in told
    assert "How these figures are made" in told


def test_every_page_says_whose_data_it_is(compound: Compound, officer: User, reads: Page) -> None:
    device = seen(compound)
    organisation = officer.memberships.get().organisation.name
    expected = f"{organisation} · {compound.district.name} · 1 compound"

    for name, args in (("home", []), ("devices", []), ("incidents", []), ("device", [device.pk])):
        told = reads(name, *args)
        assert expected in told
        assert f"Police tech officer {officer}" in told
        assert "Demo data" not in told


def test_demo_data_is_marked_on_the_page(compound: Compound, reads: Page) -> None:
    Compound.objects.update(demo=True)

    assert "Demo data" in reads("home")


# -- pictures


def test_a_stale_picture_is_grey_with_its_age_on_it(camera: Device, officer: User, sign_in: SignIn) -> None:
    state = factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW - 2 * HOUR))

    content = sign_in(officer).get(reverse("device", args=[camera.pk])).content.decode()

    assert 'class="shot stale"' in content
    assert "2 h old" in content
    assert f"{reverse('picture', args=[camera.pk, 'last'])}?v={state.picture['sha256'][:16]}" in content


def test_a_fresh_picture_is_not(camera: Device, officer: User, sign_in: SignIn) -> None:
    factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW - 30 * SECOND))

    content = sign_in(officer).get(reverse("device", args=[camera.pk])).content.decode()

    assert "stale" not in content
    assert "16:14:30 · 30 s ago" in content


def test_an_old_picture_says_nothing_about_now(camera: Device, officer: User, sign_in: SignIn) -> None:
    factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW - HOUR))

    told = sign_in(officer).get(reverse("device", args=[camera.pk])).content.decode()

    assert "Last picture beside the reference view" in told
    assert "1 h old, so it says nothing about now" in told
    assert 'class="verdict"' not in told
    assert 'id="accept"' not in told


@pytest.mark.parametrize("label", ["normal", "obstructed"])
def test_a_view_the_platform_doubts_needs_a_word_more(
    camera: Device, officer: User, sign_in: SignIn, label: str
) -> None:
    factories.last_picture(factories.state(camera, looked_at=NOW, picture_at=NOW), label=label)

    told = sign_in(officer).get(reverse("device", args=[camera.pk])).content.decode()

    assert 'id="accept"' in told
    assert ("although the platform sees “Obstructed”" in told) is (label == "obstructed")


def test_a_camera_without_a_picture_shows_its_reference(camera: Device, officer: User, sign_in: SignIn) -> None:
    factories.picture(camera, accepted_at=NOW - 48 * HOUR)
    client = sign_in(officer)

    for address in (reverse("device", args=[camera.pk]), reverse("compound", args=[camera.compound_id])):
        told = client.get(address).content.decode()
        assert reverse("picture", args=[camera.pk, "day"]) in told
        assert "<b>Reference</b><span>day · 03-08</span>" in told
    # On a wall of pictures nobody must take it for now.
    assert 'class="shot stale"' in told
    assert '<span class="age">No picture yet</span>' in told


def test_on_the_wall_each_picture_has_its_age_and_a_stale_one_is_grey(
    compound: Compound, officer: User, sign_in: SignIn
) -> None:
    for name, age in (("fresh", timedelta(seconds=40)), ("stale", 3 * HOUR)):
        device = watched(compound, name=name)
        factories.last_picture(factories.state(device, looked_at=NOW, picture_at=NOW - age))

    told = sign_in(officer).get(reverse("compound", args=[compound.pk])).content.decode()
    stale, fresh = (" ".join(part.split()) for part in told.split("<li><a id")[1:3])

    assert 'class="shot stale"' in stale
    assert '<span class="age">3 h old</span>' in stale
    assert 'class="shot"' in fresh
    assert "<b>fresh</b><span>16:14:20 · 40 s ago</span>" in fresh


def test_a_fault_without_a_picture_stands_beside_its_reference(camera: Device, officer: User, sign_in: SignIn) -> None:
    factories.broken(camera)
    factories.picture(camera)

    told = sign_in(officer).get("/").content.decode()

    assert reverse("picture", args=[camera.pk, "day"]) in told
    assert "No picture now" in told


def test_covered_blocks_are_outlined_on_the_picture(camera: Device, officer: User, sign_in: SignIn) -> None:
    factories.broken(camera, "obstructed", share=0.5)
    factories.last_picture(camera.state, label="obstructed", blocks=[0, 1])
    factories.picture(camera)

    content = sign_in(officer).get("/").content.decode()

    assert 'class="blocks" d="M0 0L2 0L2 1L0 1Z"' in content
    assert reverse("picture", args=[camera.pk, "day"]) in content


# -- devices and incidents


def test_a_device_page_says_what_is_lost_since_when_and_what_to_do(compound: Compound, reads: Page) -> None:
    device = watched(compound, name="Gate", slot=factories.slot(compound, sees="everybody who comes in"))
    factories.broken(device, "obstructed", NOW - HOUR, share=0.6)

    told = reads("device", device.pk)

    assert "About six tenths of the picture is covered. Since 15:15, for 1 h." in told
    assert "Not seen: everybody who comes in." in told
    assert "Next step: Clear what is in front of the lens, then look again." in told


def test_a_suspended_login_says_until_when(camera: Device, reads: Page) -> None:
    factories.broken(camera, "login_refused")
    Schedule.objects.update(hold_until=NOW + HOUR, hold_cause="login_refused")

    told = reads("device", camera.pk)

    assert "Login refused tried again at 17:15" in told
    assert "Change the login" in told


def test_a_paused_device_says_who_paused_it_and_why(compound: Compound, officer: User, reads: Page) -> None:
    device = watched(compound, pause_reason="works", paused_by=officer, paused_at=NOW)

    told = reads("device", device.pk)

    assert f"Paused by {officer} at 16:15: works" in told
    assert "Resume polling" in told


def test_an_incident_page_says_what_since_when_and_who_was_told(camera: Device, reads: Page) -> None:
    incident = factories.incident(camera, "blur", started_at=NOW - HOUR)
    factories.notification(factories.event(incident), factories.user(name="Ann"), sent_at=NOW - 59 * SECOND)

    told = reads("incident", incident.pk)

    assert "Since 15:15, for 1 h." in told
    assert "Ann fault, by mail 16:14:01" in told


def test_an_ended_incident_says_how_long_it_lasted(camera: Device, reads: Page) -> None:
    incident = factories.incident(camera, "blur", started_at=NOW - 2 * HOUR, ended_at=NOW - HOUR)

    told = reads("incident", incident.pk)

    assert "Recovered" in told
    assert "From 14:15 to 15:15, 1 h." in told
    assert "Next step" not in told


def test_a_consequence_leads_to_its_cause(compound: Compound, reads: Page) -> None:
    switch = watched(compound, name="Switch 3", kind=Kind.SWITCH)
    root = factories.incident(switch)
    child = factories.incident(watched(compound, parent=switch), root=root)

    told = reads("incident", child.pk)

    assert "It is a consequence of Switch 3: mend that first." in told
    assert "It is told with its cause, not apart." in told


def test_a_contractor_is_told_what_to_mend(compound: Compound, sign_in: SignIn) -> None:
    firm = factories.organisation("contractor")
    contract = factories.contract(firm)
    factories.broken(watched(compound, name="Gate", contract=contract), "obstructed", NOW - HOUR, share=0.6)
    seen(compound, contract=contract)

    headings = {factories.manager(firm): "To mend, by consequence", factories.technician(firm): "By consequence."}
    for person, heading in headings.items():
        told = words_of(sign_in(person), "/")
        assert "1 thing to mend now." in told
        assert heading in told
        assert "Clear what is in front of the lens" in told


def test_a_contractor_without_faults_is_told_so(compound: Compound, sign_in: SignIn) -> None:
    firm = factories.organisation("contractor")
    seen(compound, contract=factories.contract(firm))

    told = words_of(sign_in(factories.manager(firm)), "/")

    assert "Nothing to mend now." in told
    assert "1 of 1 point under your contracts can be seen clearly." in told
    assert "No open fault Last look 0 s ago." in told


# -- what concerns technicians


def test_a_device_page_says_which_occasion_tightens_its_intervals(camera: Device, reads: Page) -> None:
    rule = PolicyRule.objects.create(
        name="Marathon", starts_at=NOW - HOUR, ends_at=NOW + HOUR, heartbeat_s=10, picture_s=60
    )
    rule.devices.add(camera)

    told = "Polled at other intervals until 17:15 (Marathon): heartbeat each 10 s, picture each 60 s."
    assert told in reads("device", camera.pk)


def test_a_device_page_lists_its_last_readings_outside_its_live_part(
    camera: Device, officer: User, sign_in: SignIn
) -> None:
    write_raw([reading(camera, NOW, "", bad("no_answer"))], looked=False)
    client, address = sign_in(officer), reverse("device", args=[camera.pk])

    assert "Link: Offline" in words_of(client, address)
    assert "Link: Offline" not in client.get(address, headers={"HX-Request": "true"}).content.decode()
