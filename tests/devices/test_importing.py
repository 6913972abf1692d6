"""Devices from a CSV file, and back into one."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from devices.import_check import dry_run
from devices.import_rows import COLUMNS, MAX_BYTES, MAX_ROWS, Unreadable, decode, read
from devices.importing import MistakesLeft, export, take_in, template
from devices.models import Compound, Credential, Device, Endpoint, Kind, Life, Slot, User
from tests import factories as make

pytestmark = pytest.mark.django_db

HEAD = "compound,name,kind,address,port,username,password,parent,channel,position,sees\n"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The words are English message ids."""
    with override("en"):
        yield


@pytest.fixture
def place() -> Compound:
    make.zone()
    return make.compound(name="Hill")


@pytest.fixture
def officer(place: Compound) -> User:
    return make.officer(place.district)


def mistakes(text: str, user: User) -> list[tuple[int, str]]:
    return [(item.row, item.column) for item in dry_run(HEAD + text, user).mistakes]


# -- reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_may_be_in_any_encoding_a_chinese_office_writes(encoding: str) -> None:
    text = "小区,名称,类型\n合肥路小区,北门出入口,entrance\n"
    row = read(decode(text.encode(encoding)))[0]
    assert (row["compound"], row["name"], row["kind"]) == ("合肥路小区", "北门出入口", "entrance")


@pytest.mark.parametrize("data", ["合肥路".encode("utf-16"), b"\x81\x30\xff\xff\xff", b"x" * (MAX_BYTES + 1)])
def test_a_file_that_cannot_be_read_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Unreadable, match=r"UTF|split"):
        decode(data)


def test_the_largest_file_is_still_read() -> None:
    assert len(decode(b"x" * MAX_BYTES)) == MAX_BYTES


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do(delimiter: str) -> None:
    rows = read(delimiter.join(("name", "kind", "compound")) + "\n" + delimiter.join(("A", "camera", "Hill")))
    assert rows[0]["compound"] == "Hill" and rows[0]["address"] == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing"),
        ("compound,name\nHill,A\n", "“kind” is missing"),
        ("compound,name,kind,colour\n", "no column “colour”"),
        ("compound,name,kind,name\n", "“name” is there twice"),
        ("compound,name,kind\n", "no rows"),
        ("compound,name,kind\n , ,\n", "no rows"),
        ("compound,name,kind\n" + 'Hill,"A' + "x" * 140_000 + '",camera\n', "no CSV"),
    ],
)
def test_a_file_of_another_form_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(text)


def test_two_thousand_rows_are_read_and_one_more_is_not() -> None:
    rows = "".join(f"Hill,{number},camera\n" for number in range(MAX_ROWS))
    assert len(read("compound,name,kind\n" + rows)) == MAX_ROWS
    with pytest.raises(Unreadable, match="split"):
        read("compound,name,kind\n" + rows + "Hill,last,camera\n")


def test_rows_are_counted_as_the_spreadsheet_does() -> None:
    assert [row.number for row in read("compound,name,kind\n,,\nHill,A,camera\n\nHill,B,camera\n")] == [3, 5]


# -- checking


def test_a_good_file_has_no_mistakes_and_writes_nothing(officer: User) -> None:
    assert mistakes("Hill,A,camera,10.0.0.1,,admin,x,,,Post,the gate\nHill,S,switch,10.0.0.2,,,,,,,\n", officer) == []
    assert not Device.objects.exists() and not Endpoint.objects.exists() and not Slot.objects.exists()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("Nowhere,A,camera,10.0.0.1,,,,,,,", "compound"),
        ("Hill,,camera,10.0.0.1,,,,,,,", "name"),
        (f"Hill,{'x' * 81},camera,10.0.0.1,,,,,,,", "name"),
        ("Hill,A,toaster,10.0.0.1,,,,,,,", "kind"),
        ("Hill,A,,10.0.0.1,,,,,,,", "kind"),
        ("Hill,A,camera,127.0.0.1,,,,,,,", "address"),
        ("Hill,A,camera,http://u:p@10.0.0.1,,,,,,,", "address"),
        ("Hill,A,camera,,,,,,,,", "address"),
        ("Hill,A,camera,10.0.0.1,0,,,,,,", "port"),
        ("Hill,A,camera,10.0.0.1,65536,,,,,,", "port"),
        ("Hill,A,camera,10.0.0.1,http,,,,,,", "port"),
        ("Hill,A,camera,10.0.0.1:81,82,,,,,,", "port"),
        ("Hill,A,camera,10.0.0.1,,,x,,,,", "username"),
        (f"Hill,A,camera,10.0.0.1,,{'x' * 81},,,,,", "username"),
        ("Hill,A,camera,10.0.0.1,,,,Nobody,,,", "parent"),
        ("Hill,A,camera,10.0.0.1,,,,,-1,,", "channel"),
        ("Hill,A,camera,10.0.0.1,,,,,1025,,", "channel"),
        ("Hill,A,camera,10.0.0.1,,,,,１,,", "channel"),
        (f"Hill,A,camera,10.0.0.1,,,,,,{'x' * 81},", "position"),
        (f"Hill,A,camera,10.0.0.1,,,,,,,{'x' * 161}", "sees"),
    ],
)
def test_each_mistake_names_row_and_column(row: str, column: str, officer: User) -> None:
    found = dry_run(HEAD + "Hill,Good,camera,10.0.0.9,,,,,,,\n" + row, officer).mistakes
    assert [(item.row, item.column) for item in found] == [(3, column)]
    assert found[0].message


@pytest.mark.parametrize(
    "row", [f"Hill,{'x' * 80},camera,10.0.0.1,65535,,,,1024,,", f"Hill,A,camera,10.0.0.1,1,{'x' * 80},y,,,,{'x' * 160}"]
)
def test_the_longest_and_largest_still_do(row: str, officer: User) -> None:
    assert mistakes(row, officer) == []


def test_mistakes_come_in_the_order_of_the_file(officer: User) -> None:
    assert mistakes("Hill,,toaster,,,,,,,,\nNowhere,A,camera,10.0.0.1,,,,,,,\n", officer) == [
        (2, "name"), (2, "kind"), (2, "address"), (3, "compound"),
    ]  # fmt: skip


def test_what_is_doubled_inside_the_file_is_named(officer: User) -> None:
    text = "Hill,A,camera,10.0.0.1,,,,,,P,\nHill,A,camera,10.0.0.2,,,,,,,\nHill,C,camera,10.0.0.1,80,,,,,P,\n"
    assert mistakes(text, officer) == [(3, "name"), (4, "address"), (4, "position")]


def test_what_the_register_has_already_is_named(officer: User, place: Compound) -> None:
    slot = make.slot(place, position="P")
    make.device(place, name="A", slot=slot, endpoint=make.endpoint(host="10.0.0.1", port=80))
    make.device(place, name="Old", life=Life.REMOVED, endpoint=make.endpoint(host="10.0.0.3", port=80))
    text = "Hill,A,camera,10.0.0.2,,,,,,,\nHill,B,camera,10.0.0.1,,u,p,,,,\nHill,C,camera,10.0.0.3,,u,p,,,P,\n"
    assert mistakes(text, officer) == [(2, "name"), (3, "address"), (3, "username"), (4, "position")]


def test_a_compound_of_somebody_else_is_as_good_as_none(officer: User) -> None:
    make.compound(name="Other")
    assert mistakes("Other,A,camera,10.0.0.1,,,,,,,\n", officer) == [(2, "compound")]
    assert mistakes("Other,A,camera,10.0.0.1,,,,,,,\n", make.admin()) == []


def test_an_address_of_somebody_else_is_refused_without_a_name(officer: User, place: Compound) -> None:
    theirs = make.endpoint(host="10.0.0.1", port=80, credential=make.credential())
    make.device(name="Their recorder", kind=Kind.RECORDER, endpoint=theirs)
    make.device(place, name="R", kind=Kind.RECORDER, endpoint=theirs, channel=1)
    text = "Hill,A,camera,10.0.0.1,,,,,,,\nHill,B,camera,10.0.0.1,,u,p,,4,,\nHill,C,camera,,,,,R,5,,\n"
    found = dry_run(HEAD + text, officer).mistakes
    assert [(item.row, item.column) for item in found] == [(2, "address"), (3, "address"), (4, "address")]
    assert {item.message for item in found} == {"This address is in use elsewhere; ask the platform administrator."}
    assert mistakes("Hill,C,camera,,,,,R,5,,\n", make.admin()) == []


def test_a_channel_of_a_recorder_in_another_network_is_checked_there(officer: User, place: Compound) -> None:
    make.device(place, endpoint=make.endpoint(host="10.0.0.1"))
    far = make.endpoint(make.zone("far"), host="10.0.0.8")
    recorder = make.device(place, name="R", kind=Kind.RECORDER, endpoint=far)
    make.device(place, name="One", parent=recorder, endpoint=far, channel=1)
    assert mistakes("Hill,A,camera,,,,,R,1,,\n", officer) == [(2, "channel")]


def test_two_compounds_of_one_name_cannot_be_told_apart(officer: User) -> None:
    make.compound(name="Hill")
    found = dry_run(HEAD + "Hill,A,camera,10.0.0.1,,,,,,,\n", make.admin()).mistakes
    assert "rename one" in found[0].message
    assert mistakes("Hill,A,camera,10.0.0.1,,,,,,,\n", officer) == []


def test_the_demo_takes_no_imported_device(place: Compound) -> None:
    make.compound(place.district, name="Demo", demo=True)
    assert mistakes("Demo,A,camera,10.0.0.1,,,,,,,\n", make.admin()) == [(2, "compound")]


def test_channels_need_a_recorder_with_an_address(officer: User, place: Compound) -> None:
    make.device(place, name="Bare", kind=Kind.RECORDER, endpoint=None)
    make.device(place, name="R", kind=Kind.RECORDER, endpoint=make.endpoint(host="10.0.0.8"))
    text = (
        "Hill,1,camera,,,,,R,1,,\n"
        "Hill,2,camera,,,,,R,1,,\n"
        "Hill,3,camera,,,,,Bare,1,,\n"
        "Hill,4,camera,,,,,S,1,,\n"
        "Hill,5,camera,,,u,p,R,2,,\n"
        "Hill,S,switch,10.0.0.7,,,,,,,\n"
        "Hill,6,camera,,,,,1,3,,\n"
        "Hill,7,camera,,,,,R,,,\n"
    )
    assert mistakes(text, officer) == [
        (3, "channel"), (4, "parent"), (5, "parent"), (6, "username"), (8, "parent"), (8, "parent"), (9, "address"),
    ]  # fmt: skip


def test_channels_of_a_recorder_in_the_same_file_are_checked_too(officer: User) -> None:
    text = "Hill,1,camera,,,,,R,1,,\nHill,2,camera,,,,,R,1,,\nHill,R,recorder,10.0.0.7,81,,,,,,\n"
    assert mistakes(text, officer) == [(3, "channel")]


def test_a_ring_of_parents_is_found(officer: User) -> None:
    ring = "Hill,A,switch,10.0.0.1,,,,B,,,\nHill,B,switch,10.0.0.2,,,,A,,,\nHill,C,switch,10.0.0.3,,,,C,,,\n"
    assert mistakes(ring, officer) == [(2, "parent"), (3, "parent"), (4, "parent")]


def test_channels_of_one_address_share_one_login(officer: User) -> None:
    same = "Hill,A,camera,10.0.0.1,,u,p,,1,,\nHill,B,camera,10.0.0.1,,u,p,,2,,\nHill,C,camera,10.0.0.1,,,,,3,,\n"
    assert mistakes(same, officer) == []
    assert mistakes(same + "Hill,D,camera,10.0.0.1,,u,other,,4,,\n", officer) == [(5, "username")]


def test_a_kind_may_be_given_in_words(officer: User) -> None:
    assert [row.kind for row in dry_run(HEAD + "Hill,A,Key road camera,10.0.0.1,,,,,,,\n", officer).rows] == [
        "key_road"
    ]


# -- taking in


def test_all_rows_are_taken_in_with_what_they_name(officer: User, place: Compound) -> None:
    free = make.slot(place, position="Post")
    text = (
        "Hill,1,entrance,,,,,R,1,Post,\n"
        "Hill,R,recorder,10.0.0.7,8000,admin,s3cret,S,,,\n"
        "Hill,S,switch,https://10.0.0.8,,,,,,,\n"
        "Hill,2,camera,10.0.0.9,,,,S,,,the yard\n"
    )
    made = {device.name: device for device in take_in(HEAD + text, officer)}
    rows = {device.name: device for device in Device.objects.select_related("endpoint__credential", "parent", "slot")}
    assert made.keys() == rows.keys() == {"1", "2", "R", "S"}
    assert rows["1"].parent == rows["R"] and rows["R"].parent == rows["S"] and rows["1"].channel == 1
    assert rows["1"].endpoint == rows["R"].endpoint and rows["1"].slot == free
    assert str(rows["R"].endpoint) == "http://10.0.0.7:8000" and str(rows["S"].endpoint) == "https://10.0.0.8:443"
    assert rows["R"].endpoint is not None and rows["R"].endpoint.credential is not None
    assert rows["R"].endpoint.credential.password == "s3cret"
    assert rows["2"].slot is not None and (rows["2"].slot.position, rows["2"].slot.sees) == ("2", "the yard")
    assert {device.life for device in rows.values()} == {Life.INSTALLED}


def test_one_mistake_keeps_all_rows_out(officer: User) -> None:
    with pytest.raises(MistakesLeft) as left:
        take_in(HEAD + "Hill,A,camera,10.0.0.1,,u,p,,,P,\nHill,B,camera,127.0.0.1,,,,,,,\n", officer)
    assert [(item.row, item.column) for item in left.value.run.mistakes] == [(3, "address")]
    assert not Device.objects.exists() and not Endpoint.objects.exists()


def test_the_address_of_a_removed_device_is_used_again_with_the_new_login(officer: User, place: Compound) -> None:
    old = make.device(place, life=Life.REMOVED, endpoint=make.endpoint(host="10.0.0.1"))
    take_in(HEAD + "Hill,A,camera,10.0.0.1,,u,p,,,,\n", officer)
    device = Device.objects.select_related("endpoint__credential").get(name="A")
    assert device.endpoint_id == old.endpoint_id
    assert device.endpoint is not None and device.endpoint.credential is not None


def test_the_first_import_founds_the_first_network() -> None:
    place = make.compound(name="Hill")
    take_in(HEAD + "Hill,A,camera,10.0.0.1,,,,,,,\n", make.officer(place.district))
    endpoint = Endpoint.objects.select_related("zone").get()
    assert (endpoint.zone.name, endpoint.zone.demo) == ("local", False)


def test_two_thousand_rows_take_few_statements_and_reasonable_time(
    officer: User, django_assert_max_num_queries: object
) -> None:
    rows = "".join(
        f"Hill,{n},camera,10.1.{n // 250}.{n % 250},,admin,p{n},S{n // 20},,P{n},\n"
        if n % 20
        else f"Hill,S{n // 20},switch,10.1.{n // 250}.{n % 250},,,,,,,\n"
        for n in range(MAX_ROWS)
    )
    began = time.process_time()
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        assert len(take_in(HEAD + rows, officer)) == MAX_ROWS
    assert time.process_time() - began < 10


# -- writing out


def test_an_export_can_be_imported_again_and_carries_no_password(officer: User, place: Compound) -> None:
    take_in(HEAD + "Hill,R,recorder,fd00::7,81,admin,s3cret,,,,\nHill,1,camera,,,,,R,1,Post,gate\n", officer)
    text = export(Device.objects.order_by("-name"), officer)
    assert "s3cret" not in text
    Device.objects.update(parent=None)
    Device.objects.all().delete()
    assert len(take_in(text.lstrip("\ufeff"), officer)) == 2
    again = Device.objects.select_related("endpoint", "slot").get(name="1")
    assert str(again.endpoint) == "http://[fd00::7]:81" and again.slot is not None and again.slot.sees == "gate"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula_and_comes_back_as_it_was(name: str, place: Compound) -> None:
    device = make.device(place, name=name)
    text = export(Device.objects.filter(pk=device.pk), make.admin())
    cells = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))[1]
    assert cells[1] == f"'{name}"
    assert read(text.lstrip("\ufeff"))[0]["name"] == name


def exported(user: User) -> dict[str, dict[str, str]]:
    text = export(Device.objects.order_by("pk"), user).lstrip("\ufeff")
    return {row["name"]: row for row in csv.DictReader(io.StringIO(text))}


def test_an_export_says_where_devices_are_reached_to_who_may_take_devices_in_there(
    officer: User, place: Compound
) -> None:
    where = make.endpoint(host="10.0.0.1", port=81, credential=make.credential(username="root"))
    device = make.device(place, name="A", endpoint=where, contract=make.contract())
    make.device(name="Elsewhere", endpoint=make.endpoint(host="10.0.0.2", credential=make.credential()))
    columns = ("address", "port", "username")
    assert [exported(officer)["A"][name] for name in columns] == ["http://10.0.0.1", "81", "root"]
    assert [exported(officer)["Elsewhere"][name] for name in columns] == ["", "", ""]
    assert device.contract is not None
    for user in (make.technician(device.contract.contractor), make.member("viewer", district=place.district)):
        assert [exported(user)["A"][name] for name in columns] == ["", "", ""]


def test_an_export_opens_no_password_and_takes_as_many_statements_for_many_devices(
    place: Compound, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    admin = make.admin()
    for _ in range(5):
        make.device(place, endpoint=make.endpoint(credential=make.credential()))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE devices_credential SET password = 'rubbish'")
    with django_assert_num_queries(3):  # the user's memberships, their compounds, the devices
        assert len(exported(admin)) == 5


@pytest.mark.parametrize("password", [" leading", "trailing ", "'=quoted", "'-", "\ttab\t"])
def test_a_password_is_taken_as_it_stands(password: str, officer: User) -> None:
    take_in(HEAD + f"Hill,A,camera,10.0.0.1,, u ,{password},,,,\n", officer)
    credential = Credential.objects.get()
    assert (credential.username, credential.password) == ("u", password)


def test_blanks_alone_are_no_password(officer: User) -> None:
    assert mistakes("Hill,A,camera,10.0.0.1,,,  ,,,,\n", officer) == []
    assert [row["name"] for row in read(HEAD + "Hill,A,camera,,,,,,,,\n,,,,,,  ,,,,\n")] == ["A"]


def test_the_template_is_a_header_that_spreadsheets_know_as_utf_8() -> None:
    text = template()
    assert text.startswith("\ufeff") and text.strip("\ufeff\r\n").split(",") == list(COLUMNS)
    with pytest.raises(Unreadable, match="no rows"):
        read(decode(text.encode()))


def test_kinds_are_understood_in_both_languages_whatever_the_page_speaks(officer: User) -> None:
    with override("zh-hans"):
        assert dry_run(HEAD + "Hill,A,Switch,10.0.0.1,,,,,,,\n", officer).mistakes == []
