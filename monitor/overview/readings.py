"""The last raw readings of a device, in words, for whoever looks for a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from devices.addresses import redact
from devices.models import Device
from monitor import words
from monitor.causes import CAUSES
from monitor.models import RawReading
from monitor.overview.aspects import NAMES
from monitor.overview.standing import CSS
from monitor.wire import Aspect, Verdict

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Read:
    """One reading: when, the shape of its gravest verdict, what each aspect showed, and what was asked."""

    at: datetime
    css: str
    looked: bool
    found: Sequence[str]
    requests: Sequence[str]


def last_readings(device: Device) -> list[Read]:
    """The last readings that were kept raw, the newest first."""
    return [_read(row) for row in RawReading.objects.filter(device=device).order_by("-at")[:SHOWN]]


def _read(row: RawReading) -> Read:
    findings = [(Aspect(name), *_parts(told)) for name, told in row.findings.items()]
    faults = [CAUSES[cause] for _aspect, verdict, cause in findings if verdict == Verdict.FAULTY and cause in CAUSES]
    gravest = min(faults, key=lambda cause: cause.rank, default=None)
    fine = "ok" if all(verdict == Verdict.OK for _aspect, verdict, _cause in findings) else "unk"
    return Read(
        at=row.at,
        css=CSS[gravest.category] if gravest else fine,
        looked=row.looked,
        found=[_("%(what)s: %(found)s") % {"what": NAMES[item[0]], "found": _found(*item[1:])} for item in findings],
        requests=[_request(item) for item in row.requests],
    )


def _parts(told: Sequence[Any]) -> tuple[str, str]:
    verdict, cause = (*told[:2], "")[:2]
    return str(verdict), str(cause)


def _found(verdict: str, cause: str) -> str:
    return str(_("normal")) if verdict == Verdict.OK else words.title(cause)


def _request(told: Sequence[Any]) -> str:
    """What was asked, where, how long it took and what came of it; no secret of an address is shown."""
    what, address, took_ms, came = told
    return f"{what} · {redact(str(address))} · {took_ms:.0f} ms · {words.outcome(str(came))}"
