"""The dry run of an import: every row checked against its file and against the register, nothing written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import override

from devices.import_rows import COLUMNS, Row, read
from devices.models import Compound, Credential, Device, Kind, Life, Slot, User, Zone
from devices.models.devices import MAX_PARENTS
from devices.models.kinds import INFRASTRUCTURE
from devices.registering import (
    IN_USE_ELSEWHERE,
    LARGEST_PORT,
    Address,
    Refused,
    compounds_to_change,
    devices_of_others,
    parse_address,
    zone_for,
)

LARGEST_CHANNEL = 1_024
_DIGITS = 7  # of the longest number that is read at all
LONGEST_NAME = Device._meta.get_field("name").max_length or 0
LONGEST_USERNAME = Credential._meta.get_field("username").max_length or 0
LONGEST_POSITION = Slot._meta.get_field("position").max_length or 0
LONGEST_SEES = Slot._meta.get_field("sees").max_length or 0


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to put right: row as the spreadsheet counts (the header is 1), column, and what to do."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an import would do: its rows, and everything that stands in its way."""

    rows: Sequence[Row]
    mistakes: Sequence[Mistake]


def dry_run(text: str, user: User) -> DryRun:
    """Check a file against itself and against the register; nothing is written. Raises `Unreadable`."""
    rows = read(text)
    return DryRun(rows, _Check(rows, user).mistakes())


class _Check:
    """The checks of one file, with what they need of the register read once."""

    def __init__(self, rows: Sequence[Row], user: User) -> None:
        self.rows = rows
        self.found: list[Mistake] = []
        self.compounds = _by_name(compounds_to_change(user).filter(name__in={row["compound"] for row in rows}))
        places = [compound for same in self.compounds.values() for compound in same]
        devices = Device.objects.filter(compound__in=places).select_related("endpoint")
        self.devices = {(device.compound_id, device.name): device for device in devices}
        self.zones = {compound.pk: zone for compound in places if (zone := _zone_of(compound))}
        self.elsewhere = self._elsewhere(user)
        self.taken = self._taken()
        self.served = {key[:3] for key in self.taken}
        self.logins: dict[tuple[int, str, int], tuple[str, str]] = {}
        self.positions = set(Slot.objects.filter(device__isnull=False, compound__in=places).values_list(
            "compound", "position"))  # fmt: skip
        self.in_file: dict[tuple[int, str], Row] = {}

    def _networks(self) -> set[int]:
        """The zones that a row can come into: its compound's, or that of the recorder it hangs on."""
        above = {device.endpoint.zone_id for device in self.devices.values() if device.endpoint}
        return above | {zone.pk for zone in self.zones.values()}

    def _elsewhere(self, user: User) -> set[tuple[int, str, int]]:
        """Each (zone, host, port) at which somebody has a device that this user may not change."""
        rows = devices_of_others(user).filter(endpoint__zone__in=self._networks())
        return set(rows.values_list("endpoint__zone", "endpoint__host", "endpoint__port"))

    def _taken(self) -> dict[tuple[int, str, int, int], str]:
        """Which device has which (zone, host, port, channel); only addresses of the user's own devices are named."""
        rows = Device.objects.filter(endpoint__zone__in=self._networks()).exclude(life=Life.REMOVED)
        columns = ("endpoint__zone", "endpoint__host", "endpoint__port", "channel", "name")
        found = {(zone, host, port, channel): name for zone, host, port, channel, name in rows.values_list(*columns)}
        return {key: name for key, name in found.items() if key[:3] not in self.elsewhere}

    def mistakes(self) -> list[Mistake]:
        """Everything that stands in the way, in the order of the file."""
        for row in self.rows:
            self._place(row)
            self._kind(row)
            self._channel(row)
            self._position(row)
        for row in self.rows:
            self._parent(row)
            self._address(row)
            self._login(row)
        self._loops()
        return sorted(self.found, key=lambda item: (item.row, COLUMNS.index(item.column)))

    def _say(self, row: Row, column: str, message: str) -> None:
        self.found.append(Mistake(row.number, column, message))

    def _length(self, row: Row, column: str, longest: int) -> None:
        if len(row[column]) > longest:
            self._say(row, column, _("At most %(count)s characters; shorten it.") % {"count": longest})

    def _place(self, row: Row) -> None:
        same = self.compounds.get(row["compound"], [])
        if len(same) != 1:
            unknown = _("You have no compound of this name; add it first, or correct the name.")
            self._say(row, "compound", _("Two of your compounds have this name; rename one.") if same else unknown)
            return
        row.compound = same[0]
        if row.compound.demo:
            self._say(row, "compound", _("This compound belongs to the demo; choose or add another one."))
        self._name(row, (row.compound.pk, row["name"]))

    def _name(self, row: Row, key: tuple[int, str]) -> None:
        self._length(row, "name", LONGEST_NAME)
        if not row["name"]:
            self._say(row, "name", _("Enter a name."))
        elif key in self.devices:
            self._say(row, "name", _("This compound has a device of that name already; delete the row or rename it."))
        elif key in self.in_file:
            again = _("Row %(row)s has the same name in the same compound; rename one.")
            self._say(row, "name", again % {"row": self.in_file[key].number})
        else:
            self.in_file[key] = row

    def _kind(self, row: Row) -> None:
        row.kind = KINDS_BY_WORD.get(row["kind"].lower(), "")
        if not row.kind:
            one_of = _("Enter one of: %(kinds)s.") % {"kinds": ", ".join(Kind.values)}
            self._say(row, "kind", one_of)

    def _channel(self, row: Row) -> None:
        row.channel = _whole(row["channel"] or "0", LARGEST_CHANNEL)
        if row.channel < 0:
            self._say(row, "channel", _("Enter the channel's number, 1 or more, or nothing."))

    def _position(self, row: Row) -> None:
        self._length(row, "position", LONGEST_POSITION)
        self._length(row, "sees", LONGEST_SEES)
        position = position_of(row)
        if row.compound is None or not position:
            return
        if (row.compound.pk, position) in self.positions:
            column = "position" if row["position"] else "name"
            self._say(row, column, _("Another device stands at this position; name another one."))
        self.positions.add((row.compound.pk, position))

    def _parent(self, row: Row) -> None:
        if not row["parent"] or row.compound is None:
            return
        key = (row.compound.pk, row["parent"])
        row.parent, row.parent_row = self.devices.get(key), self.in_file.get(key)
        kind = row.parent.kind if row.parent else row.parent_row.kind if row.parent_row else ""
        if not kind:
            self._say(row, "parent", _("This compound has no device of that name; add its row, or correct the name."))
        elif kind not in INFRASTRUCTURE:
            self._say(row, "parent", _("Only a recorder, switch or ONU can be a parent."))

    def _address(self, row: Row) -> None:
        if not row["address"]:
            self._channel_of_parent(row)
            return
        port = _whole(row["port"], LARGEST_PORT) if row["port"] else None
        if port is not None and port < 1:
            self._say(row, "port", _("The port is a number from 1 to 65535."))
            return
        try:
            row.address = parse_address(row["address"], port)
        except Refused as refused:
            for column, message in refused.errors.items():
                self._say(row, column, message)
            return
        self._claim(row, row.address)

    def _channel_of_parent(self, row: Row) -> None:
        if row.channel < 1 or not row["parent"]:
            self._say(row, "address", _("Enter an address; only a recorder's channel needs none."))
        elif not _records(row):
            self._say(row, "parent", _("A channel without an address needs a recorder that has one."))
        elif row.parent is not None and row.parent.endpoint is not None:
            where = row.parent.endpoint
            self._claim(row, Address(where.scheme, where.host, where.port), where.zone_id)
        elif row.parent_row is not None and (above := self._address_of(row.parent_row)) is not None:
            self._claim(row, above)

    def _address_of(self, row: Row) -> Address | None:
        """The address of a recorder's row, whether it was checked yet or comes further down."""
        try:
            return parse_address(row["address"], int(row["port"]) if row["port"] else None)
        except (Refused, ValueError):
            return None  # said at its own row

    def _claim(self, row: Row, address: Address, zone_id: int | None = None) -> None:
        key = (zone_id or self._zone_id(row), address.host, address.port, row.channel)
        if key[:3] in self.elsewhere:
            self._say(row, "address", _(IN_USE_ELSEWHERE))
        elif key in self.taken:
            column = "channel" if row.channel else "address"
            again = _("“%(name)s” has this address and channel already; correct one of them.")
            self._say(row, column, again % {"name": self.taken[key]})
        self.taken.setdefault(key, row["name"])

    def _login(self, row: Row) -> None:
        if row["password"] and not row["username"]:
            self._say(row, "username", _("A password needs a user name."))
        self._length(row, "username", LONGEST_USERNAME)
        if row["username"] and not row["address"]:
            self._say(row, "username", _("A channel uses the login of its recorder; leave this empty."))
        elif row["username"] and row.address is not None:
            self._one_login(row, (self._zone_id(row), row.address.host, row.address.port))

    def _one_login(self, row: Row, where: tuple[int, str, int]) -> None:
        """Channels with one address share one login."""
        login = (row["username"], row["password"])
        if where in self.served or self.logins.setdefault(where, login) != login:
            self._say(row, "username", _("This address has a login already; leave user name and password empty."))

    def _zone_id(self, row: Row) -> int:
        zone = self.zones.get(row.compound.pk) if row.compound else None
        return zone.pk if zone else 0

    def _loops(self) -> None:
        for row in self.rows:
            above, steps = row.parent_row, 0
            while above is not None and above is not row and steps < MAX_PARENTS:
                above, steps = above.parent_row, steps + 1
            if above is not None:
                self._say(row, "parent", _("The device would hang on itself; correct the parents."))


def _records(row: Row) -> bool:
    """Whether the parent is a recorder with an address; one that is not known at all is said elsewhere."""
    if row.parent is not None:
        return row.parent.kind == Kind.RECORDER and row.parent.endpoint is not None
    return row.parent_row is None or (row.parent_row.kind == Kind.RECORDER and bool(row.parent_row["address"]))


def _by_name(compounds: Iterable[Compound]) -> dict[str, list[Compound]]:
    found: dict[str, list[Compound]] = defaultdict(list)
    for compound in compounds:
        found[compound.name].append(compound)
    return found


def _zone_of(compound: Compound) -> Zone | None:
    """The zone that a device of this compound would get; nothing is founded in a dry run."""
    return zone_for(compound) if Zone.objects.filter(demo=False).exists() else None


def _whole(text: str, largest: int) -> int:
    """A number of plain digits up to `largest`, else -1."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= largest else -1


def position_of(row: Row) -> str:
    """The position that a row's device shall stand at, "" for none."""
    if row.kind in INFRASTRUCTURE:
        return ""
    return row["position"] or (row["name"] if row["sees"] else "")


def _kind_words() -> dict[str, str]:
    """A kind may be given by its key, or by its name in either language."""
    words = {value: value for value in Kind.values}
    for language in ("en", "zh-hans"):
        with override(language):
            words |= {str(kind.label).lower(): kind.value for kind in Kind}
    return words


KINDS_BY_WORD: Mapping[str, str] = _kind_words()
