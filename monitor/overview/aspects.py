"""The facts about a device, each apart: link, login, clock, picture, identity; the abnormal ones first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.models import Device
from monitor import words
from monitor.causes import CAUSES
from monitor.health import State, Track, bad_now
from monitor.inference import is_inferred
from monitor.models.states import ASPECTS
from monitor.overview.standing import CSS
from monitor.overview.suspects import Suspect, suspect
from monitor.policy import Policy
from monitor.vision.judge import FEW_BLOCKS, NO_REFERENCE, OTHER_PHASE, SWITCHING
from monitor.wire import Aspect

NAMES = dict(ASPECTS)
_ORDER = (State.FAULTY, State.RECOVERING, State.SUSPECT, State.UNKNOWN, State.OK)


@dataclass(frozen=True, slots=True)
class Fact:
    """One aspect as the page tells it: badge, what was seen, since when, what to do."""

    aspect: Aspect
    name: str
    css: str
    title: str
    sentence: str
    since: datetime | None
    next_step: str = ""

    @property
    def bad(self) -> bool:
        """Whether it asks for attention."""
        return self.css not in ("ok", "inf", "unk")


def facts(device: Device, tracks: Mapping[Aspect, Track], info: Mapping[str, object], policy: Policy) -> list[Fact]:
    """Every aspect that was ever looked at, the abnormal ones first; `info` are the device's facts."""
    wanted = [aspect for aspect in Aspect if aspect in tracks and (device.sees or aspect is not Aspect.PICTURE)]
    wanted.sort(key=lambda aspect: _ORDER.index(tracks[aspect].state))
    return [_fact(device, aspect, tracks[aspect], info, policy) for aspect in wanted]


def _fact(device: Device, aspect: Aspect, track: Track, info: Mapping[str, object], policy: Policy) -> Fact:
    name = str(NAMES[aspect])
    if track.state in (State.FAULTY, State.RECOVERING) and track.cause in CAUSES:
        return _faulty(aspect, name, track)
    if track.state is State.SUSPECT and track.cause in CAUSES:
        told = _suspected(suspect(device, aspect, track, policy.second_look_s))
        return Fact(aspect, name, "sus", _("Suspected"), told, track.since)
    if track.state is State.OK and is_inferred(track):
        told = _("What hangs on it answers (%(up)s of %(of)s); inferred, nobody asks it itself.")
        counts = {"up": track.detail["of"] - track.detail["down"], "of": track.detail["of"]}
        return Fact(aspect, name, "inf", _("Normal"), told % counts, track.since)
    if track.state is State.OK:
        return Fact(aspect, name, "ok", _("Normal"), _fine(aspect, info), track.since)
    return Fact(aspect, name, "unk", _("Unknown"), words.unknown(track.why or "not_looked"), track.since)


def _faulty(aspect: Aspect, name: str, track: Track) -> Fact:
    told = words.sentence(track.cause, track.detail)
    if track.state is State.RECOVERING:
        told = _("Good again at the last look; it counts as mended when that is confirmed.")
    css = CSS[CAUSES[track.cause].category]
    step = words.next_step(track.cause, track.detail)
    return Fact(aspect, name, css, words.title(track.cause), told, track.since, step)


def _suspected(found: Suspect) -> str:
    return _("%(cause)s, seen %(seen)s of %(needed)s times, confirmed in about %(left)s") % {
        "cause": words.title(found.cause),
        "seen": found.seen,
        "needed": found.needed,
        "left": words.duration(found.left_s),
    }


def _fine(aspect: Aspect, info: Mapping[str, object]) -> str:
    if aspect is Aspect.IDENTITY and info.get("serial"):
        return _("Serial number %(serial)s, as in the register.") % {"serial": info["serial"]}
    return {
        Aspect.LINK: _("The device answers."),
        Aspect.ACCESS: _("The login works."),
        Aspect.CLOCK: _("The clock is right."),
        Aspect.PICTURE: _("The picture shows nothing wrong."),
        Aspect.IDENTITY: _("The device says who it is."),
        Aspect.RECORDING: _("Recordings are there."),
    }[aspect]


def verdict(picture: Mapping[str, object], tracks: Mapping[Aspect, Track], *, compared: bool) -> str:
    """What the last picture shows, in a sentence beside it; `compared`: enough is known of its phase to judge it by."""
    track = tracks.get(Aspect.PICTURE)
    if track is not None and bad_now(track.state) and track.cause in CAUSES:
        return words.sentence(track.cause, track.detail)
    if not picture:
        return ""
    reason = str(picture.get("reason", ""))
    if not picture.get("checkable"):
        return uncheckable(reason)
    if reason == OTHER_PHASE:
        return _(
            "By the view of the other phase nothing is covered or turned away; whether it is sharp is told once this "
            "phase is learned."
        )
    if not compared:
        return _("By itself the picture shows no fault; the camera is still learning what to compare it with.")
    return _("The picture agrees with the reference view.")


def uncheckable(reason: str) -> str:
    """Why a picture that was taken could not be judged."""
    if reason == NO_REFERENCE:
        return _("The picture was taken, but cannot be compared: no reference view of this phase is accepted yet.")
    if reason == FEW_BLOCKS:
        return _("The picture was taken, but cannot be judged: too little of this view has outlines that last.")
    if reason == SWITCHING:
        return _("Day and night are changing and the picture with them: the next one is judged.")
    return words.unknown("not_checkable")


def proof(picture: Mapping[str, object]) -> str:
    """The measure behind an outline: so many of the blocks."""
    blocks = picture.get("blocks")
    if picture.get("label") != "obstructed" or not isinstance(blocks, list) or not blocks:
        return ""
    told = ngettext(
        "%(n)s block of %(all)s no longer shows what the reference shows; it is outlined.",
        "%(n)s blocks of %(all)s no longer show what the reference shows; they are outlined.",
        len(blocks),
    )
    return told % {"n": len(blocks), "all": BLOCKS}


BLOCKS = 16 * 12
