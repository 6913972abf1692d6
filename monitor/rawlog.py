"""Raw readings: of what is not ok, of pictures and of looks, written as they came (DESIGN, decision 14).

All of a batch go in one COPY. A row is small: a good verdict is one word, and only what is not ok, or what a person
asked for, keeps the requests of its visit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from monitor.causes import UNKNOWN_OURS
from monitor.wire import Finding, PictureNote, Reading, Verdict, dump

# A device's standing habits are said anew with each visit, and an outage of ours would write a row for each device and
# minute: neither is news of the device, and the state tells it.
NO_NEWS = frozenset({"not_offered", "needs_login", "login_held", *UNKNOWN_OURS})
_COLUMNS = "device_id, at, took_ms, looked, findings, picture, requests"
# Of a picture's note: what was seen. Its blocks and its trail stay with the device's state.
_SEEN = ("label", "score", "checkable", "reason", "phase", "width", "height", "size", "covered_share", "shift")
_HASH = 16  # characters of a picture's hash; file names carry as many


def write_raw(readings: Sequence[Reading], *, looked: bool) -> int:
    """Write those of these readings that are kept raw; give how many. `looked`: a person asked for them."""
    rows = list(raw_rows(readings, looked=looked))
    if rows:
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY monitor_rawreading ({_COLUMNS}) FROM STDIN", io.StringIO("".join(rows)))
    return len(rows)


def raw_rows(readings: Sequence[Reading], *, looked: bool) -> Iterator[str]:
    """Lines of a COPY, one for each reading that is kept raw."""
    for reading in readings:
        wrong = _is_wrong(reading)
        if wrong or looked or reading.picture is not None:
            yield _line(reading, looked=looked, requests=wrong or looked)


def _is_wrong(reading: Reading) -> bool:
    return any(
        finding.verdict is not Verdict.OK and finding.cause not in NO_NEWS for finding in reading.findings.values()
    )


def _line(reading: Reading, *, looked: bool, requests: bool) -> str:
    findings = {aspect.value: _plain(finding) for aspect, finding in reading.findings.items()}
    picture = _seen(reading.picture) if reading.picture else {}
    asked = [[item.what, item.address, round(item.took_ms, 1), item.outcome] for item in reading.requests if requests]
    columns = (findings, picture, asked)
    # JSON has no bare tab or newline: the backslash is the only character that COPY would take for its own.
    told = "\t".join(dump(column).decode().replace("\\", "\\\\") for column in columns)
    return f"{reading.device_id}\t{reading.at.isoformat()}\t{reading.took_ms:.1f}\t{looked:d}\t{told}\n"


def _plain(finding: Finding) -> list[Any]:
    """A verdict, its cause and its detail, as far as there are any."""
    if finding.detail:
        return [finding.verdict, finding.cause, finding.detail]
    return [finding.verdict, finding.cause] if finding.cause else [finding.verdict]


def _seen(note: PictureNote) -> Mapping[str, Any]:
    seen = {name: value for name in _SEEN if (value := getattr(note, name)) not in (None, "", 0)}
    return {**seen, "sha256": note.sha256[:_HASH]}
