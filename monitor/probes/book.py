"""What one visit has found out so far, subject by subject, and the readings it makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.probes.failure import OK, faulty, unknown
from monitor.probes.login import Login
from monitor.probes.memory import Memory
from monitor.probes.talk import Talk
from monitor.wire import Aspect, Finding, PictureNote, Reading, Subject, Tier, Verdict

_ASKED = {Tier.HEARTBEAT: Aspect.CLOCK, Tier.FACTS: Aspect.IDENTITY, Tier.PICTURE: Aspect.PICTURE}


class Book:
    """Findings, facts and picture notes of one visit. `trouble` is what ails the service itself."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.memory = Memory(talk.target.subjects)
        self.login = Login(talk, self.memory)
        self.trouble: Finding | None = None
        self.onvif = False
        self._findings: dict[int, dict[Aspect, Finding]] = {one.device_id: {} for one in talk.target.subjects}
        self._facts: dict[int, dict[str, Any]] = {one.device_id: {} for one in talk.target.subjects}
        self._notes: dict[int, PictureNote] = {}

    def asked(self, tier: Tier) -> list[Subject]:
        """The subjects that this tier is due for; a picture only of what can see."""
        subjects = self.talk.target.subjects
        return [one for one in subjects if tier in one.tiers and (one.sees or tier is not Tier.PICTURE)]

    def find(self, subject: Subject, aspect: Aspect, finding: Finding, *, aloud: bool = True) -> None:
        """Write down a finding, and tell whoever watches, unless there is nothing in it for them."""
        self._findings[subject.device_id][aspect] = finding
        if aloud:
            self.talk.step(aspect.value, finding)

    def forgive(self) -> None:
        """The device is there after all: what could not be known for want of a link is known for want of a service."""
        for findings in self._findings.values():
            for aspect, finding in findings.items():
                if finding.cause == "link_down":
                    findings[aspect] = unknown("no_reply")

    def learn_facts(self, subject: Subject, facts: Mapping[str, Any]) -> None:
        """Write down facts that are no verdict; None for what is no longer told."""
        self._facts[subject.device_id].update(facts)

    def note(self, subject: Subject, note: PictureNote | None) -> None:
        """Write down the picture that was taken."""
        if note is not None:
            self._notes[subject.device_id] = note

    # -- readings

    def _link(self, subject: Subject) -> Finding:
        link = self.talk.link or unknown("late")
        if subject.channel and link.verdict is Verdict.FAULTY:
            return faulty("parent_down", parent_cause=link.cause)
        return link

    def _endpoint_access(self) -> Finding | None:
        """A refused or resting login says more than a service in trouble, and that more than that a login worked."""
        access = self.login.access
        if access is not None and access != OK:
            return access
        return self.trouble or access

    def _access(self, subject: Subject, link: Finding) -> Finding | None:
        access = self._endpoint_access()
        if subject.channel and access is not None and access != OK:  # one cause, told once: by the recorder itself
            return unknown("login_held" if self.trouble is None else "no_reply")
        if access is None and link.verdict is Verdict.FAULTY:
            return unknown("link_down")
        return access

    def _complete(self, subject: Subject) -> dict[Aspect, Finding]:
        """Every aspect that was asked for, known or not."""
        link = self._link(subject)
        why = "link_down" if link.verdict is Verdict.FAULTY else "late"
        access = self._access(subject, link) if self.onvif else None
        asked = [_ASKED[tier] for tier in Tier if self.onvif and subject in self.asked(tier)]
        missing = {aspect: unknown(why) for aspect in asked}
        return (
            {Aspect.LINK: link}
            | ({Aspect.ACCESS: access} if access else {})
            | missing
            | self._findings[subject.device_id]
        )

    def readings(self, at: datetime, took_ms: float) -> list[Reading]:
        """One reading for each subject. Requests are told where somebody watches or something is amiss, once."""
        readings: list[Reading] = []
        owed_s = round(self.talk.endpoint.bucket.owed_s(), 1)
        for subject in self.talk.target.subjects:
            findings = self._complete(subject)
            telling = self.talk.on_step is not None or any(one.verdict is not Verdict.OK for one in findings.values())
            readings.append(
                Reading(
                    device_id=subject.device_id,
                    endpoint_id=self.talk.target.endpoint_id,
                    at=at,
                    took_ms=took_ms,
                    findings=findings,
                    lease=self.talk.target.lease,
                    passport=self.memory.changes(subject),
                    facts=self._facts[subject.device_id],
                    picture=self._notes.get(subject.device_id),
                    credential=self.login.used,
                    hold_s=self.login.hold_s,
                    owed_s=owed_s,
                    requests=tuple(self.talk.requests) if telling and not readings else (),
                )
            )
        return readings
