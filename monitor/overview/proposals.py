"""Pressing a button about a camera's view: done at once, or proposed to the police, who grant or refuse it.

Whoever is paid by a figure cannot move it (DESIGN, decision 18): `voices` says whose press does what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q

from devices.models import Device
from devices.registering import compounds_to_change
from monitor.models import DeviceState, Picture, Proposal
from monitor.models.proposals import ProposalQuerySet
from monitor.overview.acts import Act, log
from monitor.overview.faults import Shot, references_of
from monitor.overview.people import may_decide_on
from monitor.overview.references import NotAcceptable, Seen, check, do, keep_seen, last_seen, readable
from monitor.overview.voices import Voice, voice_of

if TYPE_CHECKING:
    from devices.models import User

# Proposals of a device that its contractor is shown, and of all devices that an officer is shown at once.
SHOWN, SHOWN_WAITING = 5, 20


class NotYours(Exception):
    """The person has no say in the view of this device, or in this proposal: it is his own."""


class AlreadyProposed(NotAcceptable):
    """The same act waits already for this device."""


class AlreadyDecided(NotAcceptable):
    """Somebody else has granted or refused the proposal meanwhile."""


class Overtaken(NotAcceptable):
    """Another reference is in force than the one that stood beside the proposed picture."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal with both sides of it: the reference in force and the proposed picture."""

    proposal: Proposal
    reference: Shot | None
    shot: Shot | None

    @property
    def device(self) -> Device:
        """The device it is about."""
        return self.proposal.device


# -- pressing


def press(
    act: Act, device: Device, user: User, now: datetime, version: str = "", *, confirmed: bool = False, note: str = ""
) -> Proposal | None:
    """Do an act on the view of a device with the picture that was shown; a `Proposal` where that waits for the police.

    `version` is the beginning of the hash of the picture the person saw. Raises `NotYours` where the person has no say,
    `NotAcceptable` where it cannot be done. Everything is one transaction under a lock on the device's state.
    """
    with transaction.atomic():
        state = DeviceState.objects.select_for_update().filter(device=device).first()
        voice = voice_of(user, device)
        if voice is Voice.NONE:
            raise NotYours
        seen = last_seen(state, device, now, version)
        check(act, seen, confirmed=confirmed)
        if voice is Voice.PROPOSES:
            return _propose(act, device, seen, user, now, note=note)
        do(act, device, seen, user, now, binding=voice is Voice.DECIDES)
        log(user, device, act, seen.phase)
    return None


def _propose(act: Act, device: Device, seen: Seen, user: User, now: datetime, *, note: str) -> Proposal:
    if Proposal.objects.waiting().filter(device=device, act=act).exists():
        raise AlreadyProposed
    proposal = Proposal.objects.create(
        device=device,
        act=act,
        picture=keep_seen(device, Picture.Role.PROPOSAL, seen),
        phase=seen.phase,
        doubt=seen.doubt,
        note=note,
        proposed_by=user,
        proposed_at=now,
    )
    log(user, device, Act.PROPOSE, note, of=act)
    return proposal


# -- deciding


def grant(pk: int, user: User, now: datetime, reference: str = "") -> Proposal:
    """Do what was proposed, with the picture it is about, whatever the camera shows now.

    `reference` is the version of the reference that the person saw beside it, "" for none.
    """
    with transaction.atomic():
        proposal = _locked(pk, user)
        in_force = references_of([proposal.device_id]).get((proposal.device_id, proposal.phase))
        if reference != (in_force.version if in_force else ""):
            raise Overtaken
        do(Act(proposal.act), proposal.device, _seen(proposal), user, now, binding=True)
        _decide(proposal, Proposal.Outcome.GRANTED, user, now)
        log(user, proposal.device, Act.GRANT, str(proposal.proposed_by or "–"), of=Act(proposal.act))
    return proposal


def refuse(pk: int, user: User, now: datetime, reason: str) -> Proposal:
    """Leave everything as it is, and say why."""
    with transaction.atomic():
        proposal = _locked(pk, user)
        proposal.reason = reason
        _decide(proposal, Proposal.Outcome.REFUSED, user, now)
        log(user, proposal.device, Act.REFUSE, reason, of=Act(proposal.act))
    return proposal


def _locked(pk: int, user: User) -> Proposal:
    """A waiting proposal that this person may decide, behind the lock on the device's state, as a press takes it."""
    device_id = Proposal.objects.values_list("device_id", flat=True).get(pk=pk)
    DeviceState.objects.select_for_update().filter(device=device_id).first()
    found = Proposal.objects.select_for_update(of=("self",)).select_related("device__endpoint", "picture")
    proposal = found.get(pk=pk)
    if proposal.proposed_by_id == user.pk or not may_decide_on(user, proposal.device):
        raise NotYours
    if not proposal.waits:
        raise AlreadyDecided
    return proposal


def _seen(proposal: Proposal) -> Seen:
    kept = proposal.picture
    if kept is None:
        raise NotAcceptable("the picture is gone")
    picture, data = readable(kept.file)
    return Seen(picture, data, kept.taken_at, kept.phase, kept.sha256, kept.width, kept.height, proposal.doubt)


def _decide(proposal: Proposal, outcome: Proposal.Outcome, user: User, now: datetime) -> None:
    proposal.outcome, proposal.decided_by, proposal.decided_at = outcome, user, now
    proposal.save(update_fields=["outcome", "decided_by", "decided_at", "reason"])


# -- reading


def waiting_count(user: User) -> int:
    """How many proposals wait for this person. As a rule none waits for anybody, and that costs one statement."""
    return _waiting_for(user).count() if Proposal.objects.waiting().exists() else 0


def waiting_for(user: User) -> list[Waiting]:
    """The proposals that wait for this person, the oldest first, each with its two pictures."""
    found = _waiting_for(user).select_related("device__compound", "picture", "proposed_by")
    rows = list(found.order_by("proposed_at", "pk")[:SHOWN_WAITING])
    references = references_of({row.device_id for row in rows})
    return [Waiting(row, references.get((row.device_id, row.phase)), proposed_shot(row)) for row in rows]


def _waiting_for(user: User) -> ProposalQuerySet:
    rows = Proposal.objects.waiting().filter(device__compound__in=compounds_to_change(user))
    return rows.exclude(proposed_by=user)


def proposed_shot(proposal: Proposal) -> Shot | None:
    """The picture of a proposal as a page shows it; None once it was forgotten."""
    kept = proposal.picture
    if kept is None:
        return None
    return Shot(kept.device_id, f"proposal-{proposal.pk}", kept.sha256[:16], kept.taken_at, kept.phase)


def proposals_on(device: Device, user: User, voice: Voice) -> Sequence[Proposal]:
    """The proposals on a device that concern this person, those that wait before the others.

    The police see what waits for them, a contractor its own ones and what became of them, everybody else none.
    """
    newest_first = (F("decided_at").desc(nulls_first=True), "-proposed_at")
    rows = Proposal.objects.filter(device=device).select_related("proposed_by").order_by(*newest_first)
    if voice is Voice.DECIDES:
        return list(rows.waiting().exclude(proposed_by=user)[:SHOWN])
    if voice is Voice.NONE or device.contract is None:
        return ()
    firm = Q(proposed_by__memberships__organisation=device.contract.contractor_id)
    return list(rows.filter(firm | Q(proposed_by=user)).distinct()[:SHOWN])
