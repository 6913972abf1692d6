"""The demo's own pages: knobs, counter, mails, removal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Compound, Device, User, Zone
from monitor.health import State
from monitor.models import Event, PolicyRule, Schedule, Transition
from monitor.quickstart.demo import control
from monitor.quickstart.demo.control import ControlError, Virtual
from monitor.quickstart.demo.plan import POLICY, THINGS, code_of, thing
from monitor.wire import Aspect
from tests import factories as make

pytestmark = pytest.mark.django_db


class Simulator:
    """A control address that remembers what it was told."""

    def __init__(self) -> None:
        self.faults: dict[str, dict[str, Any]] = {item.key: dict(item.faults) for item in THINGS}
        self.silent = False

    def state(self) -> dict[str, Virtual]:
        self.answer()
        return {key: Virtual(key, "off" not in faults, dict(faults)) for key, faults in self.faults.items()}

    def set_faults(self, key: str, faults: dict[str, Any]) -> None:
        self.answer()
        changed = {**self.faults[key], **faults}
        self.faults[key] = {name: value for name, value in changed.items() if value is not None}

    def clear(self, key: str) -> None:
        self.answer()
        self.faults[key] = {}

    def answer(self) -> None:
        if self.silent:
            raise ControlError("silent")


@pytest.fixture(autouse=True)
def demo(settings: Any, tmp_path: Path) -> None:
    settings.VIEWKEEPER_DEMO = True
    settings.VIEWKEEPER_DEMO_MAIL_DIR = tmp_path


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    told = Simulator()
    for name in ("state", "set_faults", "clear"):
        monkeypatch.setattr(control, name, getattr(told, name))
    return told


@pytest.fixture
def places() -> dict[str, Compound]:
    """Two of the demo's compounds with a few of its devices."""
    zone = make.zone("demo", demo=True)
    PolicyRule.objects.create(zone=zone, demo=True, **POLICY)
    made = {key: make.compound(name=key, demo=True) for key in ("hf", "yj")}
    for key in ("hf-01", "hf-02", "yj-sw", "yj-03"):
        put(key, made[key[:2]], zone)
    return made


def put(key: str, place: Compound, zone: Zone) -> Device:
    item = thing(key)
    endpoint = make.endpoint(zone, host="127.0.0.1", port=make.number())
    return make.device(place, name=item.name, kind=item.kind, code=code_of(item), endpoint=endpoint)


def device(key: str) -> Device:
    return Device.objects.get(code=code_of(thing(key)))


def player(role: str = "admin", **scope: Any) -> User:
    user = make.member(role, **scope)
    User.objects.filter(pk=user.pk).update(demo=True, email=f"{user.username}@demo.example")
    return User.objects.get(pk=user.pk)


def browser(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def admin(places: dict[str, Compound]) -> Client:
    return browser(player())


def text(answer: Any) -> str:
    assert isinstance(answer, HttpResponse) and answer.status_code == 200
    return answer.content.decode()


# -- who, when


def test_outside_the_demo_none_of_its_pages_exist(admin: Client, settings: Any) -> None:
    settings.VIEWKEEPER_DEMO = False
    for name in ("demo", "demo-counter", "demo-mails"):
        assert admin.get(reverse(name)).status_code == 404
    assert admin.post(reverse("demo-act"), {"act": "cover"}).status_code == 404


def test_only_the_demo_s_people_and_administrators_turn_knobs(
    places: dict[str, Compound], simulator: Simulator
) -> None:
    real = make.officer(places["hf"].district)
    assert browser(real).get(reverse("demo")).status_code == 404
    assert browser(real).post(reverse("demo-act"), {"act": "cover"}).status_code == 404
    assert browser(make.admin()).get(reverse("demo")).status_code == 200
    assert Client().get(reverse("demo")).status_code == 302


# -- the bar


def test_the_bar_offers_what_its_reader_may_see_and_tells_the_intervals(places: dict[str, Compound]) -> None:
    bar = text(browser(player()).get(reverse("demo-mails")))
    assert 'value="cover"' in bar and 'value="unplug"' in bar
    assert "heartbeat 15 s, picture 20 s, second look 8 s, settle 15 s" in bar and "60, 600, 30, 60 s" in bar
    theirs = text(browser(player("officer", compound=places["hf"])).get(reverse("demo-mails")))
    assert 'value="cover"' in theirs and 'value="unplug"' not in theirs


def test_covering_a_lens_opens_its_page_and_lets_the_counter_run(admin: Client, simulator: Simulator) -> None:
    answer = admin.post(reverse("demo-act"), {"act": "cover"})
    assert answer["Location"] == reverse("device", args=[device("hf-02").pk])
    assert simulator.faults["hf-02"] == {"covered": 0.6}
    assert 'id="demo-counter"' in text(admin.get(reverse("demo-mails")))


def test_unplugging_a_switch_and_putting_right_what_was_done_last(admin: Client, simulator: Simulator) -> None:
    assert admin.post(reverse("demo-act"), {"act": "mend"})["Location"] == reverse("demo")
    admin.post(reverse("demo-act"), {"act": "unplug"})
    assert simulator.faults["yj-sw"] == {"off": True}
    answer = admin.post(reverse("demo-act"), {"act": "mend"})
    assert answer["Location"] == reverse("device", args=[device("yj-sw").pk])
    assert simulator.faults["yj-sw"] == {}


@pytest.mark.parametrize("data", [{"act": "explode"}, {}])
def test_a_button_that_does_not_exist_does_nothing(data: dict[str, str], admin: Client, simulator: Simulator) -> None:
    assert admin.post(reverse("demo-act"), data).status_code == 404


def test_what_one_may_not_see_one_may_not_break(places: dict[str, Compound], simulator: Simulator) -> None:
    theirs = browser(player("officer", compound=places["hf"]))
    assert theirs.post(reverse("demo-act"), {"act": "unplug"}).status_code == 404
    assert theirs.post(reverse("demo-turn", args=["yj-03"]), {"fault": "off"}).status_code == 404
    assert theirs.post(reverse("demo-turn", args=["yj-03"]), {"mend": "1"}).status_code == 404
    assert not simulator.faults["yj-03"] and not simulator.faults["yj-sw"]


# -- the control page


def test_all_virtual_devices_are_listed_with_what_is_wrong(admin: Client, simulator: Simulator) -> None:
    answer = admin.get(reverse("demo"))
    assert [line.key for line in answer.context["lines"]] == ["hf-01", "hf-02", "yj-sw", "yj-03"]
    page = text(answer)
    assert "Lens covered" in page and "healthy" in page
    switch = next(line for line in answer.context["lines"] if line.key == "yj-sw")
    assert {knob.fault for knob in switch.knobs} == {"off", "silent"}
    assert [knob.fault for knob in switch.others] == ["silent"] and switch.has_switch and not switch.has_lens
    covered = answer.context["lines"][0]
    assert covered.is_covered and covered.has_lens and covered.up and not covered.is_off


def test_virtual_cameras_that_do_not_answer_are_told(admin: Client, simulator: Simulator) -> None:
    simulator.silent = True
    assert "do not answer" in text(admin.get(reverse("demo")))
    answer = admin.post(reverse("demo-act"), {"act": "cover"}, follow=True)
    assert "do not answer" in text(answer)
    assert admin.post(reverse("demo-turn", args=["hf-01"]), {"mend": "1"})["Location"] == reverse("demo")


def test_a_fault_is_set_and_taken_away_again(admin: Client, simulator: Simulator) -> None:
    url = reverse("demo-turn", args=["yj-03"])
    assert admin.post(url, {"fault": "drip"})["Location"] == reverse("device", args=[device("yj-03").pk])
    assert simulator.faults["yj-03"] == {"drip": 1.0}
    admin.post(url, {"unset": "drip", "fault": "noise"})
    assert simulator.faults["yj-03"] == {}
    admin.post(url, {"set": "covered", "fault": "noise"})
    assert simulator.faults["yj-03"] == {"covered": 0.6}
    assert admin.post(url, {"fault": "garbage"}).status_code == 404
    assert admin.post(reverse("demo-turn", args=["no-such"]), {"fault": "off"}).status_code == 404


def test_putting_right_lets_logins_be_tried_again(admin: Client, simulator: Simulator) -> None:
    camera = device("hf-01")
    make.schedule(camera, hold_until=timezone.now() + timedelta(hours=1), hold_cause="login_refused", holds=1)
    admin.post(reverse("demo-turn", args=["hf-01"]), {"mend": "1"})
    row = Schedule.objects.get()
    assert (row.hold_until, row.hold_cause, row.holds) == (None, "", 0)
    assert simulator.faults["hf-01"] == {}


def test_with_nothing_to_put_right_it_says_so_and_counts_nothing(admin: Client, simulator: Simulator) -> None:
    camera = device("hf-02")
    answer = admin.post(reverse("demo-turn", args=["hf-02"]), {"mend": "1"})
    assert answer["Location"] == reverse("device", args=[camera.pk])
    assert "nothing to put right" in text(admin.get(reverse("demo-mails")))
    assert admin.get(reverse("demo-counter")).json() == {"pressed": False}
    make.incident(camera, "obstructed")
    admin.post(reverse("demo-turn", args=["hf-02"]), {"mend": "1"})
    assert admin.get(reverse("demo-counter")).json()["mends"]


# -- the counter


def press(client: Client, act: str = "cover") -> datetime:
    client.post(reverse("demo-act"), {"act": act})
    return datetime.fromisoformat(client.session["demo_press"]["at"])


def turned(of: Device, was: State, now: State, at: datetime, after_s: float, aspect: str = Aspect.PICTURE) -> None:
    decided = at + timedelta(seconds=after_s)
    Transition.objects.create(device=of, aspect=aspect, was=was, now=now, at=decided, decided_at=decided)


def test_before_any_press_there_is_nothing_to_count(admin: Client) -> None:
    assert admin.get(reverse("demo-counter")).json() == {"pressed": False}


def test_seconds_are_counted_from_press_to_suspicion_flag_and_mail(admin: Client, simulator: Simulator) -> None:
    at, camera = press(admin), device("hf-02")
    before = at - timedelta(seconds=1)
    turned(camera, State.OK, State.SUSPECT, before, 0)
    turned(camera, State.OK, State.SUSPECT, at, 2, Aspect.LINK)
    found = admin.get(reverse("demo-counter")).json()
    assert found["now"] >= 0
    assert (found["suspect"], found["flagged"], found["mailed"], found["untold"]) == (None, None, None, False)
    turned(camera, State.OK, State.SUSPECT, at, 18)
    turned(camera, State.SUSPECT, State.FAULTY, at, 34.5)
    incident = make.incident(camera, "obstructed", started_at=at)
    event = make.event(incident, at=at + timedelta(seconds=34.5))
    to = make.notification(event, make.user())
    assert admin.get(reverse("demo-counter")).json()["mailed"] is None
    to.sent_at = at + timedelta(seconds=52)
    to.save()
    found = admin.get(reverse("demo-counter")).json()
    assert (found["suspect"], found["flagged"], found["mailed"], found["mends"]) == (18, 34.5, 52, False)


def test_a_visit_that_was_under_way_at_the_press_counts_when_it_is_decided_after_it(
    admin: Client, simulator: Simulator
) -> None:
    at, camera = press(admin), device("hf-02")
    for was, now, after_s in ((State.OK, State.SUSPECT, 0.0), (State.SUSPECT, State.FAULTY, 9.0)):
        decided = at + timedelta(seconds=after_s)
        Transition.objects.create(
            device=camera, aspect=Aspect.PICTURE, was=was, now=now, at=at - timedelta(seconds=1), decided_at=decided
        )
    found = admin.get(reverse("demo-counter")).json()
    assert (found["suspect"], found["flagged"]) == (0, 9)


def test_a_recovery_is_counted_by_its_own_steps(admin: Client, simulator: Simulator) -> None:
    camera = device("hf-02")
    make.incident(camera, "obstructed")
    press(admin)
    at = press(admin, "mend")
    turned(camera, State.FAULTY, State.RECOVERING, at, 9)
    turned(camera, State.RECOVERING, State.OK, at, 17)
    found = admin.get(reverse("demo-counter")).json()
    assert (found["suspect"], found["flagged"], found["mends"]) == (9, 17, True)


def test_a_recovery_nobody_need_be_told_of_says_so(admin: Client, simulator: Simulator) -> None:
    press(admin)
    at = press(admin, "mend")
    incident = make.incident(device("hf-02"), "obstructed", started_at=at)
    event = make.event(incident, kind=Event.Kind.CLOSED, at=at)
    assert not admin.get(reverse("demo-counter")).json()["untold"]
    Event.objects.filter(pk=event.pk).update(done_at=at, outcome="untold")
    assert admin.get(reverse("demo-counter")).json()["untold"]
    Event.objects.filter(pk=event.pk).update(outcome="told")
    assert not admin.get(reverse("demo-counter")).json()["untold"]


# -- mails


def caught(folder: Path, name: str, to: str, subject: str = "Offline") -> None:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = to, subject
    mail.set_content(f"plain {subject}")
    mail.add_alternative(f"<p style='color:red'>rich {subject}<script>alert(1)</script></p>", "html")
    (folder / f"{name}.eml").write_bytes(bytes(mail))


@pytest.fixture
def officer(places: dict[str, Compound]) -> Iterator[User]:
    yield player("officer", compound=places["hf"])


def test_everybody_reads_their_own_mails_and_the_administrator_all(
    admin: Client, officer: User, tmp_path: Path
) -> None:
    caught(tmp_path, "0001", f"W <{officer.email.upper()}>", "北门 遮挡")
    caught(tmp_path, "0002", "chen@demo.example", "Other")
    mine, everything = text(browser(officer).get(reverse("demo-mails"))), text(admin.get(reverse("demo-mails")))
    assert "北门 遮挡" in mine and "Other" not in mine
    assert everything.index("Other") < everything.index("北门 遮挡")
    assert browser(officer).get(reverse("demo-mail", args=["0002"])).status_code == 404
    assert browser(officer).get(reverse("demo-mail-html", args=["0002"])).status_code == 404


def test_a_mail_is_shown_as_text_and_its_html_in_a_frame_that_may_do_nothing(officer: User, tmp_path: Path) -> None:
    caught(tmp_path, "0001", officer.email)
    client = browser(officer)
    page = text(client.get(reverse("demo-mail", args=["0001"])))
    assert "plain Offline" in page and "<iframe" in page and "rich Offline" not in page
    frame = client.get(reverse("demo-mail-html", args=["0001"]))
    policy = frame["Content-Security-Policy"]
    assert "rich Offline" in text(frame) and frame["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'none'" in policy and "style-src 'unsafe-inline'" in policy and "sandbox" in policy
    assert "script" not in policy


@pytest.mark.parametrize("name", ["none", "..", "...", "%2e%2e", ".hidden", "a b"])
def test_there_is_no_way_out_of_the_folder(name: str, admin: Client, tmp_path: Path) -> None:
    assert admin.get(reverse("demo-mails") + f"{name}/").status_code == 404


def test_no_mail_says_when_one_will_come(admin: Client) -> None:
    assert "No mail has come" in text(admin.get(reverse("demo-mails")))


# -- removal


def test_removal_asks_first_and_then_keeps_what_is_real(places: dict[str, Compound], simulator: Simulator) -> None:
    client, real = browser(make.admin()), make.device()
    page = client.get(reverse("demo-remove"))
    assert page.context["counts"]["devices"] == 4 and not page.context["leaves"]
    assert Device.objects.count() == 5
    assert client.post(reverse("demo-remove"))["Location"] == reverse("home")
    assert list(Device.objects.all()) == [real]


def test_who_belongs_to_the_demo_is_warned_and_signed_out(admin: Client) -> None:
    assert "createsuperuser" in text(admin.get(reverse("demo-remove")))
    assert admin.post(reverse("demo-remove"))["Location"] == reverse("login")
    assert not User.objects.filter(demo=True).exists()
    assert admin.get(reverse("home")).status_code == 302


@pytest.mark.parametrize("name", ["home", "devices"])
def test_a_demo_that_no_longer_runs_is_still_removed_by_an_administrator(
    name: str, places: dict[str, Compound], settings: Any
) -> None:
    settings.VIEWKEEPER_DEMO = False
    client = browser(make.admin())
    told, link = "The demo&#x27;s data is still here.", reverse("demo-remove")
    page = text(client.get(reverse(name)))
    assert ("The demo's data is still here." in page or told in page) and f'href="{link}"' in page
    asked = text(client.get(link))
    assert f'href="{reverse("home")}">Keep it' in asked and f'href="{reverse("demo")}"' not in asked
    assert client.post(link)["Location"] == reverse("home")
    assert not Device.objects.exists() and client.get(link).status_code == 404
    assert link not in text(client.get(reverse(name)))


def test_a_demo_that_runs_is_not_called_left_over(admin: Client) -> None:
    assert "still here" not in text(admin.get(reverse("home")))


def test_only_administrators_are_offered_to_remove_what_is_left_of_the_demo(
    places: dict[str, Compound], settings: Any
) -> None:
    settings.VIEWKEEPER_DEMO = False
    for user in (make.officer(places["hf"].district), player("officer", district=places["hf"].district)):
        client = browser(user)
        assert client.get(reverse("demo-remove")).status_code == 404
        assert client.post(reverse("demo-remove")).status_code == 404
        assert "still here" not in text(client.get(reverse("home")))
    assert Device.objects.count() == 4


def test_only_administrators_remove_the_demo(officer: User, places: dict[str, Compound]) -> None:
    client = browser(officer)
    assert client.get(reverse("demo-remove")).status_code == 403
    assert client.post(reverse("demo-remove")).status_code == 403
    assert Device.objects.count() == 4
