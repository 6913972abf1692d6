"""Our own polls, the whole way of a worker: sealed targets in, visit, judgement, sealed readings back, recorded."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from cryptography.fernet import Fernet, MultiFernet
from django.utils import timezone

from devices.models import Compound, Credential, Device, District, Endpoint, Kind, Life, Zone
from monitor import recording, schedule, vision
from monitor.benching.cpu import measured
from monitor.claims import Claim
from monitor.models import LearnedView, Schedule
from monitor.probes.pictures import look
from monitor.probes.runner import Loop
from monitor.probes.session import Session
from monitor.targets import targets
from monitor.wire import Order, Reading, Results, Target, Tier, Verdict, open_order, open_results, seal

MESSAGE_LIFE_S = 60
DEADLINE_S = 30.0
# The bench is no stranger at the door: its own cameras need no politeness.
BURST = 1_000
PICTURES = frozenset({Tier.HEARTBEAT, Tier.PICTURE})
HEARTBEATS = frozenset({Tier.HEARTBEAT})


class Unwell(Exception):
    """A camera of the bench was not seen well, so that its polls cost something else."""


@dataclass
class Spent:
    """Milliseconds of CPU time, and how long each visit took by the clock on the wall."""

    polls: int = 0
    visit_ms: float = 0.0
    record_ms: float = 0.0
    wall_ms: list[float] = field(default_factory=list)

    @property
    def visit(self) -> float:
        """Per poll."""
        return self.visit_ms / self.polls

    @property
    def record(self) -> float:
        """Per poll."""
        return self.record_ms / self.polls


class Round:
    """Cameras in a register of their own, and a probe that looks at them again and again."""

    def __init__(self, ports: Sequence[int], username: str, password: str) -> None:
        self.keys = MultiFernet([Fernet(Fernet.generate_key())])
        self.waiting: dict[str, bytes] = {}
        self.originals: dict[int, list[bytes]] = {}
        self.zone = Zone.objects.create(name=f"bench-{uuid.uuid4().hex[:12]}", label="bench")
        self.devices = _register(self.zone, ports, username, password)
        schedule.sync(timezone.now(), [device.endpoint_id or 0 for device in self.devices])
        self.loop = Loop(Session(self.keep_picture))

    # -- what a collector does

    def keep_picture(self, device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        """Seal a picture as a collector does; it waits here instead of at the broker."""
        key = f"picture:{device_id}:{uuid.uuid4().hex}"
        parts = [b64encode(thumbnail).decode(), b64encode(original).decode() if original else ""]
        self.waiting[key] = self.keys.encrypt(json.dumps(parts).encode())
        if original:
            self.originals.setdefault(device_id, []).append(original)
        return key

    def fetch(self, key: str) -> tuple[bytes, bytes | None] | None:
        """Open a picture that waits."""
        thumbnail, original = json.loads(self.keys.decrypt(self.waiting.pop(key)))
        return b64decode(thumbnail), b64decode(original) if original else None

    def visit(self, token: str) -> str:
        """Sealed targets in, sealed readings out."""
        readings = self.loop.run_batch(open_order(token, self.keys, MESSAGE_LIFE_S).targets)
        return seal(Results(tuple(readings)), self.keys)

    # -- what the platform does

    def targets(self, tiers: frozenset[Tier], *, whole: bool = False) -> list[Target]:
        """Lease every camera and describe it for a visit; `whole` asks for the original pictures."""
        lease, until = uuid.uuid4(), timezone.now() + timedelta(seconds=MESSAGE_LIFE_S)
        rows = Schedule.objects.filter(zone=self.zone)
        rows.update(lease=lease, leased_until=until)
        leased = [Claim(row.pk, str(lease), tiers, worked=row.worked) for row in rows]
        return [_polite_to_nobody(target, whole=whole) for target in targets(leased, timezone.now())]

    def record(self, token: str) -> list[Reading]:
        """Write sealed readings; they must all count."""
        readings = list(open_results(token, self.keys, MESSAGE_LIFE_S).readings)
        if recording.record(readings, self.zone.name, self.fetch) != len(self.devices):
            raise Unwell("a reading did not count")
        return readings

    # -- the bench

    def warm_up(self, rounds: int) -> None:
        """Learn addresses, logins and views, as a platform has that has run for a while."""
        for _round in range(rounds):
            self.record(self.visit(seal(Order(tuple(self.targets(PICTURES, whole=True))), self.keys)))
        for device_id, originals in self.originals.items():
            model = vision.learn([vision.decode(data) for data in originals])
            LearnedView.objects.create(
                device_id=device_id, signature=model.dumps(), learned=len(originals), updated_at=timezone.now()
            )

    def poll(self, tiers: frozenset[Tier], rounds: int) -> Spent:
        """Look at every camera so many times, and count."""
        spent = Spent()
        for _round in range(rounds):
            token = seal(Order(tuple(self.targets(tiers))), self.keys)
            sealed, visit_ms = measured(partial(self.visit, token))
            readings, record_ms = measured(partial(self.record, sealed))
            spent.polls += len(readings)
            spent.visit_ms += visit_ms
            spent.record_ms += record_ms
            spent.wall_ms += [reading.took_ms for reading in readings]
            _check(readings)
        return spent

    def judgement_ms(self) -> float:
        """What decoding and judging one picture takes, sealing it included."""
        subjects = {subject.device_id: subject for target in self.targets(PICTURES) for subject in target.subjects}
        pairs = [(data, subjects[device]) for device, originals in self.originals.items() for data in originals]
        _, spent_ms = measured(lambda: [look(data, subject, self.keep_picture) for data, subject in pairs])
        return spent_ms / len(pairs)

    def picture_kb(self) -> float:
        """How large the pictures are."""
        sizes = [len(data) for originals in self.originals.values() for data in originals]
        return sum(sizes) / len(sizes) / 1000

    def close(self) -> None:
        """End the probe."""
        self.loop.close()


def _register(zone: Zone, ports: Sequence[int], username: str, password: str) -> list[Device]:
    district = District.objects.create(code=uuid.uuid4().hex[:6], name="bench", demo=True)
    place = Compound.objects.create(district=district, name="bench", type=Compound.Type.OPEN, demo=True)
    login = Credential.objects.create(label="bench", username=username, password=password)
    ends = Endpoint.objects.bulk_create(
        Endpoint(zone=zone, host="127.0.0.1", port=port, credential=login) for port in ports
    )
    return Device.objects.bulk_create(
        Device(compound=place, kind=Kind.ENTRANCE, name=str(end.port), endpoint=end, life=Life.IN_USE) for end in ends
    )


def _polite_to_nobody(target: Target, *, whole: bool) -> Target:
    """The bench's own target: on loopback, without a pause between requests."""
    subjects = tuple(replace(subject, keep_original=whole) for subject in target.subjects)
    return replace(target, subjects=subjects, loopback=True, burst=BURST, deadline_s=DEADLINE_S)


def _check(readings: Sequence[Reading]) -> None:
    for reading in readings:
        for aspect, finding in reading.findings.items():
            if finding.verdict is not Verdict.OK:
                raise Unwell(f"{aspect} is {finding.verdict}: {finding.cause} {dict(finding.detail)}")
