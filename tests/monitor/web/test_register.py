"""Adding devices by page and by CSV, and changing their logins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.models import Compound, Credential, Device, User
from monitor import tasks
from monitor.models import Look, Schedule
from tests import factories as make

pytestmark = pytest.mark.django_db
HEAD = "compound,name,kind,address,port,username,password,parent,channel,position,sees\n"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The looks that a worker was asked for."""
    numbers: list[int] = []
    monkeypatch.setattr(tasks.look, "delay_on_commit", numbers.append)
    return numbers


@pytest.fixture
def place() -> Compound:
    make.zone()
    return make.compound(name="Hill")


@pytest.fixture
def officer(place: Compound) -> User:
    return make.officer(place.district)


def browser(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def form(place: Compound | None, **fields: Any) -> dict[str, Any]:
    given = {"compound": place.pk if place else "new", "name": "Gate", "kind": "entrance", "address": "10.0.0.5"}
    return {**given, "channel": 0, **fields}


def add(user: User, data: dict[str, Any]) -> Any:
    return browser(user).post(reverse("device-add"), data)


# -- one device


def test_an_officer_adds_a_device_and_sees_it_looked_at(officer: User, place: Compound, asked: list[int]) -> None:
    answer = add(officer, form(place, username="admin", password="s3cret"))
    device = Device.objects.select_related("endpoint").get()
    look = Look.objects.get(device=device)
    assert answer["Location"] == reverse("look", args=[look.pk]) and asked == [look.pk]
    assert Schedule.objects.get().endpoint == device.endpoint
    assert Credential.objects.get().password == "s3cret"


def test_a_new_compound_is_founded_on_the_way(officer: User, place: Compound) -> None:
    data = form(None, new_compound=" Dale ", new_type="closed", new_district=place.district_id)
    assert add(officer, data).status_code == 302
    made = Device.objects.select_related("compound").get().compound
    assert (made.name, made.type, made.district, made.demo) == ("Dale", "closed", place.district, False)


@pytest.mark.parametrize("missing", ["new_compound", "new_district"])
def test_a_new_compound_needs_name_and_district(missing: str, officer: User, place: Compound) -> None:
    data = form(None, new_compound="Dale", new_type="open", new_district=place.district_id)
    answer = add(officer, {**data, missing: ""})
    assert list(answer.context["form"].errors) == [missing]


def test_a_compound_that_is_there_already_is_said_at_its_field(officer: User, place: Compound) -> None:
    data = form(None, new_compound="Hill", new_type="open", new_district=place.district_id)
    assert list(add(officer, data).context["form"].errors) == ["new_compound"]
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"address": "127.0.0.1"}, "address"),
        ({"address": "http://root:toor@10.0.0.5"}, "address"),
        ({"address": ""}, "address"),
        ({"password": "x"}, "username"),
        ({"kind": "toaster"}, "kind"),
        ({"channel": 1025}, "channel"),
        ({"name": ""}, "name"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_nothing_is_written(
    fields: dict[str, Any], wrong: str, officer: User, place: Compound, asked: list[int]
) -> None:
    answer = add(officer, form(place, **fields))
    assert answer.status_code == 200 and list(answer.context["form"].errors) == [wrong]
    assert not Device.objects.exists() and not asked


def test_a_password_is_never_shown_back(officer: User, place: Compound) -> None:
    answer = add(officer, form(place, address="127.0.0.1", username="admin", password="n3ver-shown"))
    assert b"n3ver-shown" not in answer.content


def test_compounds_of_others_and_of_the_demo_are_not_offered(officer: User, place: Compound) -> None:
    theirs, demo = make.compound(), make.compound(place.district, demo=True)
    for other in (theirs, demo):
        assert list(add(officer, form(other)).context["form"].errors) == ["compound"]
    page = browser(officer).get(reverse("device-add"), {"compound": place.pk})
    assert [key for key, _name in page.context["form"].fields["compound"].choices] == [str(place.pk), "new"]
    assert page.context["form"].initial == {"compound": str(place.pk)}
    assert b"of the compounds" not in browser(officer).get(reverse("device-add"), {"compound": "x"}).content


def test_a_parent_is_chosen_among_what_carries_others_there(officer: User, place: Compound) -> None:
    switch = make.device(place, kind="switch")
    make.device(place)
    make.device(kind="switch")
    page = browser(officer).get(reverse("device-add"))
    assert list(page.context["form"].fields["parent"].queryset) == [switch]
    assert add(officer, form(place, parent=switch.pk)).status_code == 302


def test_a_network_is_chosen_only_where_there_are_several(officer: User, place: Compound) -> None:
    assert "zone" not in browser(officer).get(reverse("device-add")).context["form"].fields
    east = make.zone("east")
    make.zone("demo", demo=True)
    page = browser(officer).get(reverse("device-add"))
    assert {zone.name for zone in page.context["form"].fields["zone"].queryset} == {"local", "east"}
    add(officer, form(place, zone=east.pk))
    assert Device.objects.select_related("endpoint").get().endpoint.zone == east  # type: ignore[union-attr]


def test_an_officer_of_one_compound_is_not_offered_a_new_one(place: Compound) -> None:
    page = browser(make.member("officer", compound=place)).get(reverse("device-add"))
    assert [key for key, _name in page.context["form"].fields["compound"].choices] == [str(place.pk)]


@pytest.mark.parametrize("name", ["device-add", "device-import", "device-import-template"])
def test_contractors_and_strangers_add_nothing(name: str) -> None:
    for user in (make.manager(make.organisation("contractor")), make.user()):
        assert browser(user).get(reverse(name)).status_code == 403
    assert Client().get(reverse(name))["Location"].startswith(reverse("login"))


# -- logins


def held(place: Compound) -> Device:
    device = make.device(place, endpoint=make.endpoint(credential=make.credential(username="old", password="0ld-one")))
    later = timezone.now() + timedelta(hours=2)
    make.schedule(device, hold_until=later, hold_cause="login_refused", holds=2, worked=True, due=later)
    return device


def test_a_new_login_ends_the_hold_and_is_tried_at_once(officer: User, place: Compound, asked: list[int]) -> None:
    device = held(place)
    page = browser(officer).get(reverse("device-credential", args=[device.pk])).content.decode()
    assert "old" in page and "0ld-one" not in page
    data = {"username": "root", "password": " new "}
    answer = browser(officer).post(reverse("device-credential", args=[device.pk]), data)
    credential, row = Credential.objects.get(), Schedule.objects.get()
    assert answer["Location"] == reverse("look", args=asked)
    assert (credential.username, credential.password) == ("root", " new ")
    assert (row.hold_until, row.hold_cause, row.holds, row.worked) == (None, "", 0, False)
    assert row.due <= timezone.now()


def test_a_visit_under_way_with_the_old_login_no_longer_counts(officer: User, place: Compound) -> None:
    device = held(place)
    lease, until = uuid4(), timezone.now() + timedelta(minutes=5)
    Schedule.objects.update(lease=lease, leased_until=until)
    browser(officer).post(reverse("device-credential", args=[device.pk]), {"username": "root", "password": "new"})
    row = Schedule.objects.get()
    # Its reading will match no lease; until its time is over nobody else dials, the device being busy with it.
    assert row.lease not in {lease, None}
    assert row.leased_until == until


def test_an_empty_password_changes_nothing(officer: User, place: Compound) -> None:
    device = held(place)
    answer = browser(officer).post(reverse("device-credential", args=[device.pk]), {"username": "root", "password": ""})
    assert list(answer.context["form"].errors) == ["password"]
    assert Credential.objects.get().password == "0ld-one" and Schedule.objects.get().hold_until is not None


def test_a_device_without_address_says_that_it_needs_no_login(officer: User, place: Compound) -> None:
    device = make.device(place, endpoint=None)
    answer = browser(officer).post(reverse("device-credential", args=[device.pk]), {"username": "a", "password": "b"})
    assert answer.context["form"].non_field_errors()


def test_logins_are_changed_by_the_police_and_the_firm_s_manager_only(place: Compound) -> None:
    contractor = make.organisation("contractor")
    device = make.device(place, contract=make.contract(contractor))
    url = reverse("device-credential", args=[device.pk])
    expected = {
        make.admin(): 200, make.manager(contractor): 200, make.technician(contractor): 403, make.officer(): 404,
    }  # fmt: skip
    assert [browser(user).get(url).status_code for user in expected] == list(expected.values())


# -- many devices


def upload(user: User, text: str | bytes) -> Any:
    data = text if isinstance(text, bytes) else (HEAD + text).encode()
    return browser(user).post(reverse("device-import"), {"file": SimpleUploadedFile("devices.csv", data)})


def test_a_file_is_checked_and_then_confirmed(officer: User, place: Compound) -> None:
    checked = upload(officer, "Hill,A,camera,10.0.0.1,,admin,s3cret,,,,\nHill,B,camera,10.0.0.2,,,,,,,\n")
    assert not Device.objects.exists() and not checked.context["mistakes"]
    assert b"s3cret" not in checked.content
    token = checked.context["token"]
    answer = browser(officer).post(reverse("device-import-confirm"), {"token": token})
    assert answer["Location"] == reverse("devices")
    assert Device.objects.count() == Schedule.objects.count() == 2
    assert browser(officer).post(reverse("device-import-confirm"), {"token": token})["Location"] == reverse(
        "device-import"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_kind_is_shown_as_it_was_understood_and_taken_in(
    encoding: str, officer: User, place: Compound
) -> None:
    checked = upload(officer, (HEAD + "Hill,北门,出入口摄像机,10.0.0.1,8080,,,,,,\n").encode(encoding))
    rows = checked.content.decode()
    assert "<td>2</td><td>Hill</td><td>北门</td>" in rows and ">10.0.0.1:8080</td>" in rows
    browser(officer).post(reverse("device-import-confirm"), {"token": checked.context["token"]})
    made = Device.objects.select_related("endpoint").get()
    assert (made.name, made.kind, str(made.endpoint)) == ("北门", "entrance", "http://10.0.0.1:8080")


def test_a_channel_without_an_address_is_previewed_without_one(officer: User, place: Compound) -> None:
    upper = "Hill,R,recorder,10.0.0.1,,,,,,,\n"
    rows = upload(officer, upper + "Hill,A,camera,,,,,R,3,,\n").content.decode()
    assert '<td class="mono"></td><td>R</td><td>3</td>' in rows


def test_the_file_waits_encrypted_and_for_nobody_else(officer: User, place: Compound) -> None:
    token = upload(officer, "Hill,A,camera,10.0.0.1,,admin,s3cret,,,,\n").context["token"]
    assert "s3cret" not in str(cache.get(f"import:{officer.pk}:{token}"))
    other = make.officer(place.district)
    assert browser(other).post(reverse("device-import-confirm"), {"token": token})["Location"] == reverse(
        "device-import"
    )
    assert not Device.objects.exists()


def test_mistakes_are_shown_with_row_column_and_what_to_do(officer: User, place: Compound) -> None:
    page = upload(officer, "Hill,A,camera,127.0.0.1,,,,,,,\n")
    assert page.context["mistake_count"] == page.context["bad_count"] == 1
    text = page.content.decode()
    assert "<td>2</td>" in text and "address</td>" in text and "device-import-confirm" not in text
    assert "platform itself" in text


def test_what_came_in_the_way_meanwhile_keeps_all_rows_out(officer: User, place: Compound) -> None:
    token = upload(officer, "Hill,A,camera,10.0.0.1,,,,,,,\nHill,B,camera,10.0.0.2,,,,,,,\n").context["token"]
    make.device(place, name="B")
    answer = browser(officer).post(reverse("device-import-confirm"), {"token": token})
    assert [(item.row, item.column) for item in answer.context["mistakes"]] == [(3, "name")]
    assert Device.objects.count() == 1


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
@pytest.mark.parametrize("size", [600, 2_000_001])
def test_an_excel_file_is_called_by_its_name(start: bytes, size: int, officer: User) -> None:
    errors = upload(officer, start.ljust(size, b"\x00")).context["form"].errors["file"]
    assert errors == ["This is an Excel file; save it as CSV (UTF-8) and upload that."]


def test_a_plain_camera_has_no_channel(officer: User) -> None:
    form = browser(officer).get(reverse("device-add")).context["form"]
    assert not form["channel"].value() and "count from 1" in form["channel"].help_text


def test_a_file_that_cannot_be_read_is_said_at_its_field(officer: User, place: Compound) -> None:
    assert list(upload(officer, "a,b\n".encode("utf-16")).context["form"].errors) == ["file"]
    assert browser(officer).get(reverse("device-import")).status_code == 200


def test_a_confirmation_needs_a_check_before_it(officer: User) -> None:
    for answer in (
        browser(officer).get(reverse("device-import-confirm")),
        browser(officer).post(reverse("device-import-confirm"), {"token": "made up"}),
    ):
        assert answer["Location"] == reverse("device-import")


def test_the_template_comes_as_a_file(officer: User) -> None:
    answer = browser(officer).get(reverse("device-import-template"))
    assert "attachment" in answer["Content-Disposition"]
    assert answer.content.decode("utf-8-sig").strip() == HEAD.strip()


def test_an_export_tells_only_registrars_where_devices_are_reached(officer: User, place: Compound) -> None:
    device = make.device(place, contract=make.contract(), endpoint=make.endpoint(host="10.9.8.7"))
    assert device.contract is not None
    told = [
        "10.9.8.7" in browser(user).get(reverse("device-export")).content.decode()
        for user in (officer, make.technician(device.contract.contractor))
    ]
    assert told == [True, False]


def test_everybody_exports_what_is_theirs_without_passwords(officer: User, place: Compound) -> None:
    mine, _theirs = held(place), make.device(name="Theirs")
    text = browser(officer).get(reverse("device-export")).content.decode()
    assert mine.name in text and "Theirs" not in text and "0ld-one" not in text
    assert browser(make.user()).get(reverse("device-export")).status_code == 404
