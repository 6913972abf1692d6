"""Which points near a lost one can still be seen: in the same compound, at the same place or of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from django.db.models import QuerySet

from devices.models import Device
from monitor.overview.points import clear, points_of

# How many are named.
NAMED = 2
# A shared beginning of two names means a shared place ("North gate", "北门") from so many letters on.
LEAST_LATIN, LEAST_HAN = 4, 2


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A point that can be seen clearly."""

    pk: int
    name: str
    kind: str
    compound_id: int
    place: str


def seen_in(visible: QuerySet[Device], compounds: Collection[int], now: datetime) -> Mapping[int, list[Neighbour]]:
    """The clear points of these compounds."""
    found = points_of(visible).filter(clear(now), compound__in=compounds)
    rows = found.order_by("name").values_list("pk", "name", "kind", "compound_id", "slot__position")
    by_compound: dict[int, list[Neighbour]] = {}
    for pk, name, kind, compound_id, position in rows:
        by_compound.setdefault(compound_id, []).append(Neighbour(pk, name, kind, compound_id, position or name))
    return by_compound


def near(device: Device, seen: Mapping[int, list[Neighbour]]) -> list[Neighbour]:
    """The clear points nearest to a lost one: those of the same place first, then those of its kind."""
    place = device.slot.position if device.slot else device.name
    ranked = [
        (not same_place(place, item.place), item.kind != device.kind, item.name, item)
        for item in seen.get(device.compound_id, ())
        if item.pk != device.pk and (item.kind == device.kind or same_place(place, item.place))
    ]
    return [item for *_, item in sorted(ranked, key=lambda row: row[:3])[:NAMED]]


def same_place(one: str, other: str) -> bool:
    """Whether two positions begin alike, by whole words where words are written apart."""
    shared = "".join(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    if shared.isascii():
        whole = shared if one == other else shared[: shared.rfind(" ") + 1].strip()
        return len(whole) >= LEAST_LATIN
    return len(shared.strip()) >= LEAST_HAN
