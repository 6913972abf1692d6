"""Removing the demo, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from devices.models import (
    Compound,
    CompoundGroup,
    Contract,
    Credential,
    Device,
    District,
    Endpoint,
    Membership,
    Organisation,
    Slot,
    User,
    Zone,
)
from devices.registering import Entry, register
from monitor.keeping import media
from monitor.models import DeviceHour, DeviceState, Incident, LearnedView, Picture, PolicyRule, Pulse, Schedule
from monitor.overview.acts import Act, acts_on, log
from monitor.quickstart.demo.plan import code_of, thing
from monitor.quickstart.demo.remove import REMOVED, Removal, counts, is_there, remove
from tests import factories as make
from tests.monitor.quickstart.demo.support import City

pytestmark = pytest.mark.django_db

ALL = (
    Compound, CompoundGroup, Contract, Credential, Device, District, Endpoint, Membership, Organisation, Slot, User,
    Zone, DeviceHour, DeviceState, Incident, LearnedView, Picture, PolicyRule, Schedule,
)  # fmt: skip


Remover = Callable[[], Removal]


@pytest.fixture
def taken_away(django_capture_on_commit_callbacks: Any) -> Remover:
    """Remove the demo and do what follows the commit."""

    def run() -> Removal:
        with django_capture_on_commit_callbacks(execute=True):
            return remove()

    return run


def rows() -> dict[str, list[Any]]:
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in ALL}


def real_life() -> Device:
    """A real installation: people, a device with history, a rule."""
    contractor = make.organisation("contractor")
    device = make.device(
        contract=make.contract(contractor),
        endpoint=make.endpoint(credential=make.credential()),
        slot=make.slot(make.compound()),
    )
    make.officer(device.compound.district)
    make.manager(contractor)
    make.last_picture(make.state(device))
    make.picture(device)
    make.learned(device, b"x")
    make.incident(device)
    make.schedule(device, heartbeat_every=30)
    PolicyRule.objects.create(compound=device.compound, heartbeat_s=30)
    return device


def test_all_of_the_demo_goes_and_all_that_is_real_stays(city: City, taken_away: Remover) -> None:
    device = real_life()
    before = rows()
    city.load()
    files = [media(name) for name in Picture.objects.filter(device__compound__demo=True).values_list("file", flat=True)]
    mine = media(DeviceState.objects.get(device=device).picture_file)
    assert is_there() and all(path.exists() for path in files)
    removal = taken_away()
    assert rows() == before
    assert removal.kept == [] and removal.removed["devices.Device"] == 36
    assert not any(path.exists() for path in files) and mine.exists()
    assert not is_there() and Pulse.objects.filter(name=REMOVED).exists()


def test_the_last_pictures_of_demo_devices_go_too(city: City, taken_away: Remover) -> None:
    city.load()
    state = make.last_picture(make.state(Device.objects.get(code=code_of(thing("hf-01")))))
    taken_away()
    assert not media(state.picture_file).exists()


def test_a_real_compound_in_the_demo_district_keeps_the_district_which_is_real_from_then_on(
    city: City, taken_away: Remover
) -> None:
    city.load()
    district = District.objects.get()
    device = register(
        Entry(Compound(district=district, name="Mine", type="open"), "Cam", "camera", "10.0.0.5"), make.admin()
    )
    removal = taken_away()
    assert removal.kept == [district.name]
    assert Device.objects.get() == device and Compound.objects.get().name == "Mine"
    assert not District.objects.get().demo and Zone.objects.get().name == "local"


def test_a_real_device_in_a_demo_compound_survives_with_what_it_needs(city: City, taken_away: Remover) -> None:
    city.load()
    demo = Device.objects.get(code=code_of(thing("yj-sw")))
    real = make.device(demo.compound, parent=demo, contract=demo.contract, endpoint=make.endpoint())
    taken_away()
    left = Device.objects.select_related("compound", "contract", "endpoint").get()
    assert left.pk == real.pk and left.parent_id is None
    assert left.contract is not None and not left.contract.demo and not left.compound.demo
    assert set(Organisation.objects.values_list("demo", flat=True)) == {False}
    assert not Zone.objects.filter(demo=True).exists() and not User.objects.exists()


def test_a_real_device_at_a_demo_address_keeps_it_but_loopback_is_closed_to_it(city: City, taken_away: Remover) -> None:
    city.load()
    endpoint = Device.objects.get(code=code_of(thing("hf-02"))).endpoint
    real = make.device(endpoint=endpoint, channel=5)
    taken_away()
    left = Device.objects.select_related("endpoint__zone").get()
    assert left.pk == real.pk and left.endpoint == endpoint
    assert left.endpoint is not None and not left.endpoint.zone.demo
    assert Credential.objects.filter(demo=False).count() == 1


def test_a_real_member_of_a_demo_organisation_keeps_it(city: City, taken_away: Remover) -> None:
    city.load()
    police = Organisation.objects.get(kind="police")
    person = make.member("viewer", of=police)
    taken_away()
    assert Organisation.objects.get() == police and Membership.objects.get().user == person


def test_a_demo_person_stays_as_the_author_of_what_they_decided_on_real_devices(
    city: City, taken_away: Remover
) -> None:
    city.load()
    real, admin = make.device(), User.objects.get(username="demo-admin")
    log(admin, real, Act.PAUSE, "works")
    taken_away()
    assert [(item.who, item.about) for item in acts_on(real, timezone.now() - timedelta(hours=1))] == [
        (admin.name, "works")
    ]
    left = User.objects.get()
    assert (left.pk, left.demo, left.is_active, left.has_usable_password()) == (admin.pk, False, False, False)
    assert not Membership.objects.exists() and not is_there()
    assert city.load(again=True).made


def test_what_a_demo_person_decided_in_the_demo_keeps_nobody(city: City, taken_away: Remover) -> None:
    city.load()
    log(User.objects.get(username="demo-admin"), Device.objects.get(code=code_of(thing("hf-01"))), Act.PAUSE, "play")
    taken_away()
    assert not User.objects.exists()


def test_the_demo_s_mails_go_and_others_stay(city: City, taken_away: Remover, settings: Any) -> None:
    city.load()
    folder = Path(settings.VIEWKEEPER_DEMO_MAIL_DIR)
    (folder / "1.eml").write_bytes(b"To: Wang <WANG@police.example>\r\n\r\nhello")
    (folder / "2.eml").write_bytes(b"To: someone@example.org\r\n\r\nhello")
    taken_away()
    assert [path.name for path in folder.iterdir()] == ["2.eml"]


def test_nothing_goes_when_something_fails_half_way(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.load()
    before = rows()
    files = [media(name) for name in Picture.objects.values_list("file", flat=True)]
    monkeypatch.setattr("monitor.quickstart.demo.remove._remove_people", lambda _removal, _authors: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        remove()
    assert rows() == before and all(path.exists() for path in files)


def test_it_tells_what_would_go(city: City) -> None:
    city.load()
    real_life()
    assert counts() == {"compounds": 3, "devices": 36, "people": 4}


def test_the_command_asks_first(
    city: City, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("remove_demo")
    city.load()
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    call_command("remove_demo")
    assert is_there()
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    register(
        Entry(Compound(district=District.objects.get(), name="Mine", type="open"), "Cam", "camera", "10.0.0.5"),
        make.admin(),
    )
    call_command("remove_demo")
    said = capsys.readouterr().out
    assert not is_there()
    assert "no demo" in said and "Nothing was removed" in said and "is removed" in said and "Kept" in said


def test_the_command_need_not_ask(city: City) -> None:
    city.load()
    call_command("remove_demo", "--yes")
    assert not is_there()
