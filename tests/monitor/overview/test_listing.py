"""Specification of the list of devices: what can be asked for, the counts, the pages."""

from __future__ import annotations

import pytest

from devices.models import Compound, Device, Kind, Life, User
from monitor.overview.listing import PER_PAGE, Filter, Listing, listing
from monitor.overview.standing import Group
from tests import factories
from tests.monitor.overview.seeing import NOW, seen, watched


@pytest.fixture
def admin(db: None) -> User:
    return factories.admin()


def found(user: User, **asked: str) -> Listing:
    return listing(user, Filter.read(asked), NOW)


def names(user: User, **asked: str) -> list[str]:
    return [line.device.name for line in found(user, **asked).lines]


def test_a_filter_reads_what_is_asked() -> None:
    asked = Filter.read({"q": " gate ", "compound": "7", "kind": "entrance", "status": "unknown", "page": "2"})

    assert asked == Filter("gate", 7, "entrance", Group.UNKNOWN, 2)
    assert asked.narrowed


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"compound": "x"},
        {"compound": "1" * 10},
        {"kind": "teapot"},
        {"status": "happy"},
        {"page": "-1"},
        {"q": " "},
        {"q": "\0\x1f"},
    ],
)
def test_nonsense_counts_as_not_asked(asked: dict[str, str]) -> None:
    assert Filter.read(asked) == Filter()
    assert not Filter.read(asked).narrowed


def test_nobody_types_more_than_eighty_letters() -> None:
    assert len(Filter.read({"q": "x" * 81}).q) == 80


def test_an_address_keeps_what_was_asked_and_changes_one_thing() -> None:
    asked = Filter("north gate", 7, "", Group.UNKNOWN, 3)

    assert asked.address(status="") == "?q=north+gate&compound=7"
    assert asked.address(page=4) == "?q=north+gate&compound=7&status=unknown&page=4"


@pytest.mark.parametrize("q", ["north", "hefei", "3702", "10.9.9.9", "S-77"])
def test_a_device_is_found_by_name_compound_code_address_and_serial(compound: Compound, admin: User, q: str) -> None:
    device = factories.device(
        compound,
        name="North gate",
        code="37020300001311000001",
        serial="S-77",
        endpoint=factories.endpoint(host="10.9.9.9"),
    )
    factories.device(factories.compound(name="Elsewhere"), name="other")

    assert names(admin, q=q) == [device.name]


def test_a_list_is_narrowed_to_a_compound_and_a_kind(compound: Compound, admin: User) -> None:
    watched(compound, name="gate")
    watched(compound, name="facade", kind=Kind.FACADE)
    watched(factories.compound(), name="far")

    assert names(admin, compound=str(compound.pk), kind="facade") == ["facade"]


@pytest.mark.parametrize(
    ("kind", "expected"), [("points", ["gate"]), ("others", ["horn"]), ("", ["gate", "horn", "sw"])]
)
def test_points_and_the_lesser_things_can_be_asked_for(
    compound: Compound, admin: User, kind: str, expected: list[str]
) -> None:
    for name, what in (("gate", Kind.ENTRANCE), ("horn", Kind.LOUDSPEAKER), ("sw", Kind.SWITCH)):
        watched(compound, name=name, kind=what)

    assert sorted(names(admin, kind=kind)) == expected


def test_the_numbers_of_the_first_page_lead_to_as_many_points(compound: Compound, admin: User) -> None:
    factories.broken(watched(compound, name="gate"))
    factories.broken(watched(compound, name="switch", kind=Kind.SWITCH))

    assert names(admin, status="offline") == ["gate"]
    assert names(admin, status="offline", kind="switch") == ["switch"]


@pytest.mark.parametrize(
    ("kind", "clear", "answers"), [("", 1, False), ("loudspeaker", 1, True), ("entrance", 1, False)]
)
def test_only_what_has_a_lens_is_seen_clearly(
    compound: Compound, admin: User, kind: str, clear: int, answers: bool
) -> None:
    seen(compound)
    seen(compound, kind=Kind.LOUDSPEAKER)

    choices = {item.group: (item.count, item.answers) for item in found(admin, kind=kind).choices}

    assert choices[Group.CLEAR] == (clear, answers)


def test_groups_are_counted_within_what_was_asked(compound: Compound, admin: User) -> None:
    seen(compound, name="gate a")
    factories.broken(watched(compound, name="gate b"))
    watched(compound, name="road")

    choices = {item.group: (item.count, item.chosen) for item in found(admin, q="gate").choices}

    assert choices == {None: (2, True), Group.CLEAR: (1, False), Group.OFFLINE: (1, False)}


def test_a_chosen_group_is_shown_even_when_it_is_empty(compound: Compound, admin: User) -> None:
    shown = found(admin, status="paused")

    assert [(item.group, item.count) for item in shown.choices if item.chosen] == [(Group.PAUSED, 0)]


def test_removed_devices_are_not_listed_and_planned_ones_are(compound: Compound, admin: User) -> None:
    watched(compound, name="gone", life=Life.REMOVED)
    watched(compound, name="to come", life=Life.PLANNED)

    assert names(admin) == ["to come"]


def test_a_long_list_has_pages(compound: Compound, admin: User) -> None:
    for _ in range(PER_PAGE + 1):
        factories.device(compound)

    first, second = found(admin, q="Device"), found(admin, q="Device", page="2")

    assert (len(first.lines), first.earlier, first.later) == (PER_PAGE, "", "?q=Device&page=2")
    assert (len(second.lines), second.earlier, second.later) == (1, "?q=Device&page=1", "")


def test_a_list_says_when_its_devices_were_last_looked_at(compound: Compound, admin: User) -> None:
    assert found(admin).last_look is None
    seen(compound)

    assert found(admin).last_look == NOW
    assert found(admin).lines[0].looked_at == NOW


def test_a_list_without_a_match_says_when_anything_was_last_looked_at(compound: Compound, admin: User) -> None:
    seen(compound)

    assert names(admin, q="nothing like it\0") == []
    assert found(admin, q="nothing like it").last_look == NOW


def test_only_what_one_may_see_is_listed(compound: Compound) -> None:
    factories.device(compound, name="mine")
    factories.device(name="theirs")
    officer = factories.officer(compound.district)

    assert names(officer) == ["mine"]
    assert [item.name for item in found(officer).compounds] == [compound.name]


def test_a_line_of_a_device_never_looked_at_says_so(camera: Device, admin: User) -> None:
    assert found(admin).lines[0].looked_at is None
