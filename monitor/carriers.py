"""Switches and ONUs without an address: their link is inferred from what hangs on them, and kept as inferred.

`recording` calls it inside its transaction when links have changed, so that the incidents of twenty-four cameras find
the one of their switch before anybody is told; each housekeeping infers all of them once more. Nobody looks at such a
switch: it has no last look and no hours, and no figure counts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from devices.models import Kind
from devices.models.devices import POLLED
from monitor import incidents, ledger
from monitor.health import Change, State, Track, settled, status_of
from monitor.inference import Inferred, Witness, infer, is_inferred
from monitor.ledger import Held
from monitor.models import Transition
from monitor.models.states import read_tracks
from monitor.policies import Policies
from monitor.wire import Aspect, Verdict

# Kinds that carry the link of what hangs on them; a recorder only records what has an address of its own.
CARRIERS = (Kind.SWITCH, Kind.ONU)
CAUSE = "inferred_down"

# Whole compounds, for a tree never leaves its compound, and only those in which something is to be inferred.
_TREES = """
SELECT d.id, d.parent_id, d.endpoint_id, d.compound_id, d.kind, d.life = ANY(%(polled)s) AND d.pause_reason = '',
    s.tracks
FROM devices_device d LEFT JOIN monitor_devicestate s ON s.device_id = d.id
WHERE d.compound_id IN (
    SELECT c.compound_id FROM devices_device c WHERE c.endpoint_id IS NULL AND c.kind = ANY(%(carriers)s))
"""
_OF_THESE = " AND d.compound_id IN (SELECT compound_id FROM devices_device WHERE id = ANY(%(devices)s))"


@dataclass(frozen=True, slots=True)
class Node:
    """A device in its tree, and what is held of it. `polled`: it is in use and nobody has paused it."""

    device_id: int
    parent_id: int | None
    endpoint_id: int | None
    compound_id: int
    kind: str
    polled: bool
    tracks: Mapping[Aspect, Track]

    @property
    def link(self) -> Track:
        """What is held of its link."""
        return self.tracks.get(Aspect.LINK) or Track()

    @property
    def is_inferred(self) -> bool:
        """Whether that was inferred, and not measured."""
        return is_inferred(self.link)

    @property
    def was(self) -> State:
        """What was inferred until now."""
        return self.link.state if self.is_inferred else State.UNKNOWN


@dataclass(frozen=True, slots=True)
class Judged:
    """What was inferred about one switch."""

    node: Node
    inferred: Inferred


def infer_around(device_ids: Collection[int], now: datetime) -> int:
    """Infer the switches of the compounds of these devices anew; give how many turned.

    To be called in the transaction that changed their links.
    """
    return _infer(_TREES + _OF_THESE, now, devices=list(device_ids)) if device_ids else 0


def infer_all(now: datetime) -> int:
    """Infer every switch anew: devices are moved, paused, taken out of use; give how many turned."""
    with transaction.atomic():
        return _infer(_TREES, now)


def _infer(statement: str, now: datetime, **chosen: Any) -> int:
    incidents.one_at_a_time()
    nodes = _nodes(statement, **chosen)
    below = _below(nodes)
    findings = [
        Judged(node, infer(_witnesses(node, below), settled(node.was)))
        for node in nodes
        if node.polled and node.endpoint_id is None and node.kind in CARRIERS
    ]
    return _write([item for item in findings if _is_news(item)], now)


# -- looking down the tree


def _nodes(statement: str, **chosen: Any) -> list[Node]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"polled": list(POLLED), "carriers": list(CARRIERS), **chosen})
        return [_node(row) for row in cursor]


def _node(row: Sequence[Any]) -> Node:
    device_id, parent_id, endpoint_id, compound_id, kind, polled, tracks = row
    held = read_tracks(orjson.loads(tracks)) if tracks else {}
    return Node(device_id, parent_id, endpoint_id, compound_id, kind, polled, held)


def _below(nodes: Sequence[Node]) -> Mapping[int, list[Node]]:
    below: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.parent_id is not None:
            below[node.parent_id].append(node)
    return below


def _witnesses(switch: Node, below: Mapping[int, list[Node]]) -> Iterator[Witness]:
    """Every polled device below a switch, down to the last one."""
    passed = {switch.device_id}
    waiting = [(child, child.device_id, False) for child in below.get(switch.device_id, ())]
    while waiting:
        node, branch, hidden = waiting.pop()
        if node.device_id in passed:  # a circle in the register
            continue
        passed.add(node.device_id)
        measured = node.endpoint_id is not None
        if measured and node.polled:
            yield Witness(branch, node.endpoint_id or 0, node.link.state, node.link.since, hidden)
        waiting += [(child, branch, hidden or measured) for child in below.get(node.device_id, ())]


# -- keeping what was inferred


def _detail(inferred: Inferred) -> dict[str, int]:
    return {"down": inferred.down, "of": inferred.of}


def _is_news(item: Judged) -> bool:
    verdict, node = item.inferred.verdict, item.node
    if verdict is Verdict.UNKNOWN:
        return bool(node.tracks)
    return verdict is not None and (verdict is not settled(node.was) or node.link.detail != _detail(item.inferred))


def _write(findings: Sequence[Judged], now: datetime) -> int:
    if not findings:
        return 0
    held = ledger.held(sorted(item.node.device_id for item in findings))
    over = [item.node.device_id for item in findings if _is_over(item)]
    if over:
        incidents.withdraw(over, now)
    policies = Policies(now)
    turned = [_turned(item, _take(item, held[item.node.device_id], now), policies) for item in findings]
    ledger.keep(held.values())
    changed = [item for item in turned if item.change.was is not item.change.now]
    Transition.objects.bulk_create(Transition.made(item.device_id, item.aspect, item.change) for item in changed)
    incidents.apply(turned, now)
    return len(changed)


def _is_over(item: Judged) -> bool:
    """Whether what is held ends without anybody having seen it recover: nothing is left to infer it from.

    So does what was measured while the switch had an address.
    """
    node = item.node
    return bool(node.tracks) and (item.inferred.verdict is Verdict.UNKNOWN or not node.is_inferred)


def _take(item: Judged, state: Held, now: datetime) -> Change:
    """Lay what was inferred into a state; give the change, from a state to itself where only the counts are others."""
    inferred, node = item.inferred, item.node
    verdict = inferred.verdict or Verdict.UNKNOWN
    since = node.link.since if verdict is settled(node.was) else _began(item, now)
    cause = CAUSE if verdict is Verdict.FAULTY else ""
    track = Track(State(verdict), since=since, at=now, cause=cause, detail=_detail(inferred))
    state.tracks = {} if verdict is Verdict.UNKNOWN else {Aspect.LINK: track}
    state.looked_at = state.hour = None
    status = status_of(state.tracks)
    if status != state.status:
        state.status, state.status_since = status, since
    return Change(node.was, State(verdict), since or now, now, cause, _detail(inferred))


def _began(item: Judged, now: datetime) -> datetime:
    """Since when it is so, but never from before what was true until now."""
    since, before = item.inferred.since or now, item.node.link.since
    return max(since, before) if before and item.node.is_inferred else since


def _turned(item: Judged, change: Change, policies: Policies) -> incidents.Turned:
    """The change as incidents take it; whoever hung on what has recovered is given a whole round of looks to follow."""
    node = item.node
    policy = policies.of(None, node.compound_id, node.kind, node.device_id)
    more_s = policy.heartbeat_s if change.now is State.OK else 0
    return incidents.Turned(node.device_id, Aspect.LINK, change, policy.settle_s + more_s)
