"""Taking one device into the register."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django.utils.translation import override

from devices.models import Compound, Credential, Device, Endpoint, Kind, Life, Membership, Slot, User, Zone
from devices.registering import (
    Address,
    Entry,
    Refused,
    change_login,
    compounds_to_change,
    districts_to_change,
    may_change_login,
    may_register,
    parse_address,
    register,
    username_of,
    zone_for,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The words are English message ids."""
    with override("en"):
        yield


def entry(compound: Compound, **fields: Any) -> Entry:
    return Entry(**{"compound": compound, "name": "North gate", "kind": Kind.ENTRANCE, "address": "10.0.0.5", **fields})


def take(given: Entry, user: User | None = None) -> Device:
    return register(given, user or make.admin())


def refused(given: Entry, user: User | None = None) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        take(given, user)
    return caught.value.errors


# -- addresses


@pytest.mark.parametrize(
    ("text", "port", "expected"),
    [
        ("10.0.0.5", None, Address("http", "10.0.0.5", 80)),
        (" 10.0.0.5 ", None, Address("http", "10.0.0.5", 80)),
        ("10.0.0.5:8080", None, Address("http", "10.0.0.5", 8080)),
        ("10.0.0.5", 8080, Address("http", "10.0.0.5", 8080)),
        ("10.0.0.5:8080", 8080, Address("http", "10.0.0.5", 8080)),
        ("http://10.0.0.5/onvif/device_service?x=1", None, Address("http", "10.0.0.5", 80)),
        ("HTTPS://Cam.Example", None, Address("https", "cam.example", 443)),
        ("https://10.0.0.5:8443/", None, Address("https", "10.0.0.5", 8443)),
        ("fd00::5", None, Address("http", "fd00::5", 80)),
        ("[fd00::5]:81", None, Address("http", "fd00::5", 81)),
        ("10.0.0.5:65535", None, Address("http", "10.0.0.5", 65535)),
        ("10.0.0.5", 1, Address("http", "10.0.0.5", 1)),
    ],
)
def test_an_address_may_be_written_in_many_ways(text: str, port: int | None, expected: Address) -> None:
    assert parse_address(text, port) == expected


@pytest.mark.parametrize(
    ("text", "port", "field", "words"),
    [
        ("127.0.0.1", None, "address", "platform itself"),
        ("localhost", None, "address", "platform itself"),
        ("[::1]", None, "address", "platform itself"),
        ("169.254.1.1", None, "address", "link-local"),
        ("169.254.169.254", None, "address", "metadata"),
        ("0.0.0.0", None, "address", "no host"),
        ("224.0.0.1", None, "address", "multicast"),
        ("http://admin:secret@10.0.0.5/", None, "address", "own fields"),
        ("admin@10.0.0.5", None, "address", "own fields"),
        ("rtsp://10.0.0.5/stream", None, "address", "http and https"),
        ("10.0.0.5:99999", None, "address", "65535"),
        ("10.0.0.5:0", None, "address", "65535"),
        ("10.0.0.5", 0, "port", "65535"),
        ("10.0.0.5", 65536, "port", "65535"),
        ("10.0.0.5:80", 81, "port", "once"),
        ("10.0.0", None, "address", "complete"),
        ("a host", None, "address", "host name"),
        ("", None, "address", "empty"),
    ],
)
def test_an_address_that_will_not_do_says_why(text: str, port: int | None, field: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_address(text, port)
    assert words in caught.value.errors[field]
    assert "secret" not in str(caught.value)


# -- taking in


def test_a_device_comes_with_endpoint_login_and_slot() -> None:
    zone, compound = make.zone(), make.compound()
    device = take(entry(compound, username="admin", password="s3cret", position="Gate post", sees="the gate"))
    device = Device.objects.get(pk=device.pk)
    assert device.endpoint is not None and device.slot is not None and device.endpoint.credential is not None
    assert (device.name, device.kind, device.life, device.channel) == ("North gate", Kind.ENTRANCE, Life.INSTALLED, 0)
    assert str(device.endpoint) == "http://10.0.0.5:80" and device.endpoint.zone == zone
    assert (device.endpoint.credential.username, device.endpoint.credential.password) == ("admin", "s3cret")
    assert (device.slot.position, device.slot.sees) == ("Gate post", "the gate")


def test_without_user_name_there_is_no_login() -> None:
    device = take(entry(make.compound()))
    assert device.endpoint is not None and device.endpoint.credential is None
    assert device.slot is None


def test_a_new_compound_is_founded_with_its_first_device() -> None:
    district = make.district()
    device = take(entry(Compound(district=district, name="New", type="closed")))
    assert Compound.objects.get(district=district).name == "New"
    assert device.compound.name == "New"


def test_nothing_is_left_behind_when_something_is_refused() -> None:
    new = Compound(district=make.district(), name="New", type="open")
    assert "username" in refused(entry(new, password="only a password"))
    assert not Compound.objects.exists() and not Endpoint.objects.exists() and not Credential.objects.exists()


def test_a_compound_that_is_there_already_is_not_founded_again() -> None:
    known = make.compound()
    assert "new_compound" in refused(entry(Compound(district=known.district, name=known.name, type="open")))


def test_a_name_is_given_once_in_a_compound() -> None:
    compound = make.compound()
    take(entry(compound))
    assert "already" in refused(entry(compound, address="10.0.0.6", name=" North gate "))["name"]
    assert take(entry(make.compound(), address="10.0.0.6")).name == "North gate"


def test_an_address_is_given_once_but_its_channels_are_free() -> None:
    compound = make.compound()
    first = take(entry(compound, username="admin", password="x"))
    assert "address" in refused(entry(compound, name="Two"))
    second = take(entry(compound, name="Three", channel=2))
    assert second.endpoint == first.endpoint
    assert "channel" in refused(entry(compound, name="Four", channel=2))
    assert "login already" in refused(entry(compound, name="Four", channel=3, username="other"))["username"]


def test_the_address_of_a_removed_device_is_free_again() -> None:
    compound = make.compound()
    old = take(entry(compound))
    Device.objects.filter(pk=old.pk).update(life=Life.REMOVED)
    new = take(entry(compound, name="New", username="admin", password="new"))
    assert new.endpoint == old.endpoint
    assert new.endpoint is not None and new.endpoint.credential is not None


def test_a_channel_is_reached_through_its_recorder() -> None:
    compound = make.compound()
    recorder = take(entry(compound, name="Recorder", kind=Kind.RECORDER))
    channel = take(entry(compound, name="One", address="", parent=recorder, channel=1))
    assert channel.endpoint == recorder.endpoint and channel.channel == 1
    assert "channel" in refused(entry(compound, name="Two", address="", parent=recorder, channel=1))
    assert "username" in refused(entry(compound, name="Two", address="", parent=recorder, channel=2, username="a"))


def test_without_an_address_a_device_must_be_a_channel_of_a_recorder() -> None:
    compound = make.compound()
    switch = take(entry(compound, name="Switch", kind=Kind.SWITCH))
    assert "address" in refused(entry(compound, name="One", address=""))
    assert "address" in refused(entry(compound, name="One", address=" ", parent=switch))
    assert "parent" in refused(entry(compound, name="One", address="", parent=switch, channel=1))


def test_only_what_carries_others_in_the_same_compound_is_a_parent() -> None:
    compound = make.compound()
    camera = take(entry(compound))
    elsewhere = take(entry(make.compound(), kind=Kind.SWITCH, address="10.0.0.9"))
    assert "parent" in refused(entry(compound, name="Two", address="10.0.0.6", parent=camera))
    assert "parent" in refused(entry(compound, name="Two", address="10.0.0.6", parent=elsewhere))


def test_a_free_slot_is_taken_and_a_taken_one_refused() -> None:
    compound = make.compound()
    free = make.slot(compound, position="Post")
    assert take(entry(compound, position="Post")).slot == free
    assert "position" in refused(entry(compound, name="Two", address="10.0.0.6", position="Post"))
    assert Slot.objects.count() == 1


def test_what_is_seen_makes_a_slot_named_as_the_device_but_not_for_infrastructure() -> None:
    compound = make.compound()
    seen = take(entry(compound, sees="the gate")).slot
    assert seen is not None and seen.position == "North gate"
    assert take(entry(compound, name="S", kind=Kind.SWITCH, address="10.0.0.6", position="Box")).slot is None


def test_a_compound_of_the_demo_takes_no_real_device() -> None:
    assert "demo" in refused(entry(make.compound(demo=True)))["compound"]


def test_a_kind_that_does_not_exist_is_refused() -> None:
    assert "kind" in refused(entry(make.compound(), kind="toaster"))


# -- networks


def test_a_device_joins_the_network_of_its_neighbours() -> None:
    make.zone("local")
    other, compound = make.zone("east"), make.compound()
    make.device(compound, endpoint=make.endpoint(other))
    assert zone_for(compound) == other
    assert zone_for(make.compound()).name == "local"


def test_the_demo_network_is_never_chosen_and_the_first_real_one_is_founded() -> None:
    make.zone("demo", demo=True)
    zone = zone_for(make.compound())
    assert (zone.name, zone.demo) == ("local", False)
    assert Zone.objects.filter(demo=False).count() == 1


# -- who may


def test_officers_act_in_their_scope_administrators_everywhere_contractors_nowhere() -> None:
    mine, theirs = make.compound(), make.compound()
    officer, admin, stranger = make.officer(mine.district), make.admin(), make.user()
    manager = make.manager(make.organisation("contractor"))
    assert list(compounds_to_change(officer)) == [mine] and list(districts_to_change(officer)) == [mine.district]
    assert set(compounds_to_change(admin)) == {mine, theirs}
    assert set(districts_to_change(admin)) == {mine.district, theirs.district}
    assert not compounds_to_change(manager).exists() and not districts_to_change(manager).exists()
    assert [may_register(user) for user in (officer, admin, manager, stranger)] == [True, True, False, False]


def test_an_officer_of_one_compound_founds_no_others() -> None:
    mine = make.compound()
    officer = make.member("officer", compound=mine)
    make.compound(mine.district)
    assert list(compounds_to_change(officer)) == [mine]
    assert not districts_to_change(officer).exists()


def test_who_was_deactivated_may_nothing() -> None:
    mine = make.compound()
    officer = make.officer(mine.district)
    officer.is_active = False
    assert not may_register(officer)
    assert not compounds_to_change(officer).exists() and not districts_to_change(officer).exists()


def test_a_manager_may_change_the_logins_of_their_own_devices_only() -> None:
    contractor = make.organisation("contractor")
    device = make.device(contract=make.contract(contractor))
    assert may_change_login(make.manager(contractor), device)
    assert may_change_login(make.officer(device.compound.district), device)
    assert not may_change_login(make.manager(make.organisation("contractor")), device)
    assert not may_change_login(make.technician(contractor), device)
    assert not may_change_login(make.officer(), device)


@pytest.mark.parametrize("channel", [0, 5])
def test_nothing_is_put_at_an_address_where_somebody_else_has_a_device(channel: int) -> None:
    mine, theirs = make.compound(), make.compound(name="Their secret")
    shared = make.endpoint(host="10.0.0.5", port=80, credential=make.credential())
    other = make.device(theirs, name="Their recorder", kind=Kind.RECORDER, endpoint=shared)
    officer = make.officer(mine.district)
    given = entry(mine, channel=channel, zone=shared.zone)
    assert refused(given, officer) == {"address": "This address is in use elsewhere; ask the platform administrator."}
    parent = make.device(mine, kind=Kind.RECORDER, endpoint=shared, channel=1)
    assert "address" in refused(entry(mine, address="", parent=parent, channel=7), officer)
    Device.objects.filter(pk=other.pk).update(life=Life.REMOVED)
    assert take(entry(mine, channel=9, zone=shared.zone), officer).endpoint == shared


def test_an_administrator_may_use_any_address() -> None:
    shared = make.endpoint(host="10.0.0.5", port=80)
    make.device(kind=Kind.RECORDER, endpoint=shared)
    assert take(entry(make.compound(), channel=1, zone=shared.zone)).endpoint == shared


def test_a_login_is_changed_by_who_may_do_so_for_every_device_at_its_address() -> None:
    contractor, shared = make.organisation("contractor"), make.endpoint()
    agreed = make.contract(contractor)
    recorder = make.device(endpoint=shared, contract=agreed)
    channel = make.device(endpoint=shared, channel=1)
    officer, manager = make.officer(recorder.compound.district), make.manager(contractor)
    assert not may_change_login(officer, recorder) and not may_change_login(manager, recorder)
    assert may_change_login(make.admin(), recorder)
    Device.objects.filter(pk=channel.pk).update(life=Life.REMOVED)
    assert may_change_login(officer, recorder) and may_change_login(manager, recorder)
    assert not may_change_login(officer, channel)


def test_a_manager_s_role_does_not_reach_what_another_membership_shows() -> None:
    device = make.device(contract=make.contract(make.organisation("contractor")))
    user = make.manager(make.organisation("contractor"))
    watching = make.organisation("owner")
    Membership.objects.create(user=user, organisation=watching, role="viewer", compound=device.compound)
    Compound.objects.filter(pk=device.compound_id).update(owner=watching)
    assert Device.objects.visible_to(user).filter(pk=device.pk).exists()
    assert not may_change_login(user, device)


# -- logins


def test_a_login_is_entered_and_changed() -> None:
    device, now = make.device(), timezone.now()
    assert username_of(device) == ""
    change_login(device, "admin", "one", now)
    first = Endpoint.objects.get(devices=device).credential
    device = Device.objects.get(pk=device.pk)
    change_login(device, "root", "two", now)
    endpoint = Endpoint.objects.select_related("credential").get(devices=device)
    assert endpoint.credential == first and username_of(device) == "root"
    assert endpoint.credential is not None and endpoint.credential.password == "two"
    assert endpoint.credential.changed_at == now


def test_a_login_that_others_use_too_is_left_to_them() -> None:
    shared = make.credential(password="shared")
    one, two = (make.device(endpoint=make.endpoint(credential=shared)) for _ in range(2))
    change_login(one, "admin", "own", timezone.now())
    passwords = [Endpoint.objects.get(devices=device).credential.password for device in (one, two)]  # type: ignore[union-attr]
    assert passwords == ["own", "shared"]


def test_a_password_that_no_key_opens_does_not_stand_in_the_way() -> None:
    device = make.device(endpoint=make.endpoint(credential=make.credential()))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE devices_credential SET password = 'rubbish'")
    change_login(Device.objects.get(pk=device.pk), "admin", "new", timezone.now())
    assert Credential.objects.get().password == "new"


def test_a_device_without_address_has_no_login() -> None:
    device = make.device(endpoint=None)
    with pytest.raises(Refused):
        change_login(device, "admin", "x", timezone.now())
    assert username_of(device) == ""


def test_an_entry_does_not_show_its_password() -> None:
    assert "hidden" not in repr(entry(make.compound(), password="hidden"))
