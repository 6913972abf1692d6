"""Loading the demo, and following its virtual cameras."""

from __future__ import annotations

import json
import stat
from datetime import datetime

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.models import Compound, Device, District, Endpoint, Organisation, Role, User, Zone
from monitor.keeping import media
from monitor.models import DeviceHour, Incident, LearnedView, Picture, PolicyRule, Pulse, Schedule, Transition
from monitor.policies import Policies
from monitor.policy import Policy, resolve
from monitor.quickstart.demo.drawing import Job, draw
from monitor.quickstart.demo.load import Removed
from monitor.quickstart.demo.plan import POLICY, code_of, thing
from monitor.quickstart.demo.references import jobs
from monitor.quickstart.demo.register import NameTaken
from monitor.quickstart.demo.remove import REMOVED
from monitor.vision import CameraModel
from tests import factories as make
from tests.monitor.quickstart.demo.support import SHORT_DAYS, City

pytestmark = pytest.mark.django_db


def device(key: str) -> Device:
    return Device.objects.select_related("endpoint__credential", "parent").get(code=code_of(thing(key)))


def test_the_first_load_makes_everything_and_marks_it(city: City) -> None:
    assert city.load().made
    assert Device.objects.count() == 36 and Device.objects.points().count() == 30
    assert Compound.objects.filter(demo=True).count() == Compound.objects.count() == 3
    assert Endpoint.objects.count() == Schedule.objects.count() == 32
    assert DeviceHour.objects.count() == 36 * 24 * SHORT_DAYS
    assert Incident.objects.exists() and not Incident.objects.open().exists() and Transition.objects.exists()
    assert LearnedView.objects.count() == 30
    for model in (Organisation, User, Zone, District, Compound, PolicyRule):
        assert not model._default_manager.filter(demo=False).exists()


def test_devices_are_reached_where_the_city_listens_with_the_passwords_of_the_plan(city: City) -> None:
    city.load()
    camera = device("hf-01")
    assert camera.endpoint is not None and camera.endpoint.credential is not None
    assert (camera.endpoint.host, camera.endpoint.port) == ("127.0.0.1", city.ports["hf-01"])
    planned = {item["key"]: item["password"] for item in json.loads(city.plan.read_text())["devices"]}
    assert camera.endpoint.credential.password == planned["hf-01"]
    assert device("hf-sw").endpoint is not None and device("hf-sw").endpoint.credential is None  # type: ignore[union-attr]


def test_channels_share_the_address_of_their_recorder(city: City) -> None:
    city.load()
    recorder, channel = device("rm-nvr"), device("rm-05")
    assert channel.endpoint == recorder.endpoint and channel.parent == recorder
    assert (recorder.channel, channel.channel) == (0, 3)


def test_each_role_gets_a_login_that_works_in_a_file_of_the_owners(city: City) -> None:
    city.load()
    logins = json.loads(city.logins.read_text())
    assert [login["role"] for login in logins] == [Role.ADMIN, Role.OFFICER, Role.MANAGER, Role.TECHNICIAN]
    assert stat.S_IMODE(city.logins.stat().st_mode) == 0o600
    seen = []
    for login in logins:
        user = authenticate(username=login["username"], password=login["password"])
        assert isinstance(user, User) and user.demo
        seen.append(Device.objects.visible_to(user).count())
    assert seen[:3] == [36, 36, 36] and 0 < seen[3] < 36


def test_officer_and_manager_get_mails(city: City) -> None:
    city.load()
    wanting = User.objects.filter(memberships__wants_mail=True).exclude(email="")
    assert set(wanting.values_list("memberships__role", flat=True)) == {Role.OFFICER, Role.MANAGER}


def test_references_by_day_and_night_are_accepted_by_the_officer_and_on_disk(city: City) -> None:
    city.load()
    pictures = Picture.objects.filter(device=device("hf-01"), role=Picture.Role.REFERENCE)
    assert {picture.phase for picture in pictures} == {"day", "night"}
    for picture in pictures:
        assert media(picture.file).exists()
        assert picture.accepted_by is not None and picture.accepted_by.username == "demo-police"


def test_the_demo_is_looked_at_by_its_own_intervals_and_the_rest_by_production_s(city: City) -> None:
    city.load()
    real = make.device()
    policies = Policies()
    assert policies.of_device(device("hf-01")) == resolve([POLICY])
    assert policies.of_device(Device.objects.select_related("endpoint").get(pk=real.pk)) == Policy()


def test_loading_again_changes_nothing(city: City) -> None:
    city.load()
    before = (Device.objects.count(), User.objects.get(username="demo-admin").password, city.logins.read_text())
    again = city.load()
    assert (again.made, again.moved) == (False, 0)
    assert before == (
        Device.objects.count(), User.objects.get(username="demo-admin").password, city.logins.read_text(),
    )  # fmt: skip


def test_endpoints_follow_the_ports_even_when_two_exchange_theirs(city: City) -> None:
    city.load()
    ports = dict(city.ports)
    ports["hf-01"], ports["hf-02"] = ports["hf-02"], ports["hf-01"]
    ports["rm-nvr"] = 30_001
    city.listen(ports)
    assert city.load().moved == 3
    found = {key: device(key).endpoint.port for key in ("hf-01", "hf-02", "rm-nvr", "rm-05", "yj-01")}  # type: ignore[union-attr]
    assert found == {key: ports[key if key != "rm-05" else "rm-nvr"] for key in found}


def test_passwords_follow_a_new_plan(city: City) -> None:
    city.load()
    city.plan.write_text(city.plan.read_text().replace('"password": "', '"password": "new-'))
    city.load()
    camera = device("hf-01")
    assert camera.endpoint is not None and camera.endpoint.credential is not None
    assert camera.endpoint.credential.password.startswith("new-")


def test_nothing_real_is_taken_over(city: City) -> None:
    make.user(username="demo-admin")
    with pytest.raises(NameTaken, match="demo-admin"):
        city.load()
    assert not Device.objects.exists() and User.objects.count() == 1


def test_a_real_district_of_that_code_is_used_and_stays_real(city: City) -> None:
    real = make.district(code="370203")
    city.load()
    assert set(Compound.objects.values_list("district", flat=True)) == {real.pk}
    real.refresh_from_db()
    assert not real.demo


def test_a_removed_demo_comes_back_only_when_asked_for(city: City) -> None:
    Pulse.objects.create(name=REMOVED, at=timezone.now())
    with pytest.raises(Removed):
        city.load()
    assert city.load(again=True).made
    assert not Pulse.objects.filter(name=REMOVED).exists()


def test_the_logins_of_a_removed_demo_are_offered_no_longer(city: City) -> None:
    Pulse.objects.create(name=REMOVED, at=timezone.now())
    city.logins.write_text("[]")
    for _ in range(2):
        with pytest.raises(Removed):
            city.load()
        assert not city.logins.exists()


def test_the_command_says_what_it_did(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("load_demo", "--city", str(city.ports_file), "--logins", str(city.logins))
    call_command(*arguments)
    call_command(*arguments)
    Zone.objects.update(demo=False)
    Pulse.objects.create(name=REMOVED, at=timezone.now())
    call_command(*arguments)
    said = capsys.readouterr().out
    assert "is loaded" in said and "0 addresses moved" in said and "--again" in said
    with pytest.raises(CommandError, match=r"none\.json"):
        call_command("load_demo", "--city", str(city.ports_file.with_name("none.json")))


def test_a_camera_is_drawn_and_learned_by_day_and_night() -> None:
    now = timezone.now()
    all_jobs = jobs(now)
    assert len(all_jobs) == 30 and all(len(job.instants) >= 2 for job in all_jobs)
    job: Job = all_jobs[0]
    view = draw(Job(job.key, job.scene, (job.instants[0], job.instants[-1])))
    assert view.key == job.key and set(view.pictures) == {"day", "night"}
    model = CameraModel.loads(view.signature)
    assert model.count == view.learned == 2 and len(view.signature) <= 8192
    at, data = view.pictures["day"]
    assert isinstance(at, datetime) and data.startswith(b"\xff\xd8")
