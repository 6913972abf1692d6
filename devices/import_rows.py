"""The rows of a CSV file of devices, as text.

The file may be UTF-8, with or without a byte order mark, or GB18030 as Chinese spreadsheets write it; columns may be
separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from devices.models import Compound, Device
from devices.registering import Address

COLUMNS = (
    "compound", "name", "kind", "address", "port", "username", "password", "parent", "channel", "position", "sees",
)  # fmt: skip
REQUIRED = ("compound", "name", "kind")
# Column names as a Chinese spreadsheet has them.
ALIASES: Mapping[str, str] = {
    "小区": "compound", "名称": "name", "设备名称": "name", "类型": "kind", "地址": "address", "端口": "port",
    "用户名": "username", "密码": "password", "上级设备": "parent", "通道": "channel", "位置": "position",
    "看什么": "sees", "可见内容": "sees",
}  # fmt: skip
MAX_ROWS = 2_000
MAX_BYTES = 2_000_000
LARGEST_CHANNEL = 1_024
# How workbooks begin: those of today are ZIP archives, those of before 2007 compound files.
EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


# What a spreadsheet takes for a formula; such cells are written with an apostrophe before them.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Unreadable(Exception):
    """The file as a whole cannot be used; the message says why and what to do."""


@dataclass(slots=True)
class Row:
    """One device of the file, with what was found for it. `number` is its row in the spreadsheet."""

    number: int
    cells: Mapping[str, str] = field(repr=False)
    compound: Compound | None = None
    kind: str = ""
    channel: int = 0
    address: Address | None = None
    parent: Device | None = None
    parent_row: Row | None = None

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def name(self) -> str:
        """The device's name."""
        return self["name"]

    @property
    def parent_name(self) -> str:
        """The name of what it hangs on."""
        return self["parent"]

    def preview(self) -> Preview:
        """The row for a page, once it was checked."""
        where = f"{self.address.host}:{self.address.port}" if self.address else ""
        return Preview(self.number, self.compound, self.name, self.kind, where, self.parent_name, self.channel)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page shows of a row: what was understood, which a template would not get from the row.

    A template asks for a key before it asks for an attribute, and a row's keys give its raw cells.
    """

    number: int
    compound: Compound | None
    name: str
    kind: str
    address: str
    parent_name: str
    channel: int


# -- reading


def decode(data: bytes) -> str:
    """The text of an uploaded file; raises `Unreadable`."""
    if data.startswith(EXCEL):
        raise Unreadable(_("This is an Excel file; save it as CSV (UTF-8) and upload that."))
    if len(data) > MAX_BYTES:
        raise Unreadable(_("The file is too large; split it into files of at most 2,000 rows."))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(_("The file is in UTF-16; save it as “CSV UTF-8”."))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(_("The file is neither UTF-8 nor GB18030; save it as “CSV UTF-8”."))


def read(text: str) -> list[Row]:
    """The rows of a file; raises `Unreadable` for a header that does not fit and for too many rows."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = _columns(next(reader, []))
        rows = list(_rows(reader, header))
    except csv.Error as error:
        raise Unreadable(_("The file is no CSV file.")) from error
    if not rows:
        raise Unreadable(_("The file has no rows below its header."))
    if len(rows) > MAX_ROWS:
        raise Unreadable(_("The file has more than 2,000 rows; split it."))
    return rows


def _columns(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().lstrip("\ufeff") for cell in cells]
    columns = [ALIASES.get(name, name) for name in names]
    for name, count in Counter(columns).items():
        if name and name not in COLUMNS:
            raise Unreadable(_("There is no column “%(name)s”; start from the template.") % {"name": name})
        if name and count > 1:
            raise Unreadable(_("The column “%(name)s” is there twice.") % {"name": name})
    for name in REQUIRED:
        if name not in columns:
            raise Unreadable(_("The column “%(name)s” is missing; start from the template.") % {"name": name})
    return columns


def _rows(reader: Iterable[list[str]], header: Sequence[str]) -> Iterator[Row]:
    for number, cells in enumerate(reader, start=2):
        values = {name: _read(name, cell) for name, cell in zip(header, cells, strict=False) if name}
        if any(values.values()):
            yield Row(number, values)


def _read(name: str, cell: str) -> str:
    """A password is taken as it stands: blanks and apostrophes may belong to it, and no export writes one.

    Blanks alone are an empty cell.
    """
    return cell if name == "password" and cell.strip() else _bare(cell)


def _bare(cell: str) -> str:
    """A cell without blanks around it, and without the apostrophe that an export put before a formula."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text
