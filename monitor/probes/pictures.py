"""From the bytes of a picture to a finding: decoded, judged and handed out in a worker thread, never on the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from monitor import vision
from monitor.causes import CAUSES
from monitor.probes.failure import faulty, unknown
from monitor.probes.session import KeepPicture
from monitor.wire import Aspect, Finding, PictureNote, Subject, Verdict

NORMAL = "normal"
OBSTRUCTED = "obstructed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a picture shows, and the note of it; no note where it is no picture."""

    finding: Finding
    note: PictureNote | None = None


def look(data: bytes, subject: Subject, keep: KeepPicture) -> Looked:
    """Decode, judge against the camera's model, hand the thumbnail out (the original only where it is needed)."""
    try:
        picture = vision.decode(data)
    except vision.Refused as exc:
        return Looked(finding_of_refusal(exc))
    model = _model(subject.model)
    judged = vision.held(vision.judge(picture, model, subject.trail))
    finding = finding_of(judged)
    wanted = subject.keep_original or model is None or finding.verdict is Verdict.FAULTY
    key = keep(subject.device_id, vision.thumbnail(picture), data if wanted else None)
    note = _note(judged, len(data), picture.digest, key)
    if not subject.learn or not vision.learnable(judged):
        return Looked(finding, note)
    learned = vision.extend(model or vision.CameraModel(), picture, accepted=False).dumps()
    return Looked(finding, replace(note, learned=learned, basis=_hash(subject.model)))


def _hash(signature: bytes) -> bytes:
    """By what the platform knows the model that this was learned from."""
    return sha256(signature).digest() if signature else b""


def _model(data: bytes) -> vision.CameraModel | None:
    """The learned model; one that another version wrote is as good as none until it is learned anew."""
    try:
        return vision.CameraModel.loads(data) if data else None
    except ValueError:
        return None


def finding_of_refusal(refusal: vision.Refused) -> Finding:
    """What bytes that are no picture mean for the aspect of the picture."""
    if refusal.cause not in CAUSES:
        return unknown("not_checkable", reason=refusal.detail)
    return faulty(refusal.cause, **{"content" if refusal.cause == "not_a_picture" else "reason": refusal.detail})


def finding_of(judged: vision.Judgement) -> Finding:
    """What a judgement means for the aspect of the picture."""
    label = str(judged.label)
    detail: dict[str, Any] = {
        "label": label,
        "width": judged.width,
        "height": judged.height,
        "score": round(float(judged.score), 3),
        "phase": str(judged.phase),
    }
    if judged.reason:
        detail["reason"] = judged.reason
    if not judged.checkable:
        return Finding(Verdict.UNKNOWN, "not_checkable", detail)
    if label == NORMAL:
        return Finding(Verdict.OK, "", detail)
    cause = CAUSES.get(label)
    if cause is None or cause.aspect is not Aspect.PICTURE:
        return Finding(Verdict.UNKNOWN, "not_checkable", detail)
    return Finding(Verdict.FAULTY, label, detail | (_covered(judged) if label == OBSTRUCTED else {}))


def _covered(judged: vision.Judgement) -> dict[str, Any]:
    """How much is covered, and where: the blocks as the bits of a number, for `health` to tell whether it stays."""
    where = sum(1 << block for block in judged.blocks)
    return {"share": round(float(judged.covered_share), 2), "where": f"{where:x}"}


def _note(judged: vision.Judgement, size: int, sha256: str, key: str) -> PictureNote:
    return PictureNote(
        label=str(judged.label),
        score=float(judged.score),
        checkable=judged.checkable,
        phase=str(judged.phase),
        width=judged.width,
        height=judged.height,
        size=size,
        sha256=sha256,
        covered_share=float(judged.covered_share),
        blocks=tuple(judged.blocks),
        shift=judged.shift,
        reason=judged.reason,
        trail=judged.trail,
        key=key,
    )
