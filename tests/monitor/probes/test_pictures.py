"""From a picture's bytes to a finding, and what of it is learned."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from monitor import vision
from monitor.probes.pictures import look
from monitor.probes.session import keep_nothing
from monitor.vision.judge import SWITCHING
from monitor.wire import Subject, Verdict
from tests.monitor.probes.fake import PICTURE, subject
from tests.monitor.vision.drawing import Pixels, Shot, covered, jpeg, take, view

DAY, NIGHT = Shot(), Shot(infrared=True)
KNOWN = vision.learn([vision.decode(jpeg(take(view(), shot))) for shot in (DAY, NIGHT)]).dumps()
CAMERA = subject(tiers=PICTURE)
COVERED = covered(view(), 0.5)


def trail_of(pixels: Pixels, shot: Shot) -> bytes:
    """What the last picture left behind."""
    return vision.judge(vision.decode(jpeg(take(pixels, shot)))).trail


def seen(pixels: Pixels, shot: Shot, camera: Subject) -> tuple[Verdict, str, dict[str, object]]:
    """Verdict, cause and detail of a picture."""
    finding = look(jpeg(take(pixels, shot)), camera, keep_nothing).finding
    return finding.verdict, finding.cause, dict(finding.detail)


def test_a_cover_tells_its_share_and_its_blocks() -> None:
    verdict, cause, detail = seen(COVERED, replace(DAY, frame=1), replace(CAMERA, model=KNOWN))

    where = int(str(detail["where"]), 16)
    lower = ((1 << 96) - 1) << 96
    assert (verdict, cause) == (Verdict.FAULTY, "obstructed")
    assert where.bit_count() / 192 == pytest.approx(0.5, abs=0.1)
    assert (where & lower).bit_count() > 0.9 * where.bit_count()


def test_around_a_switch_of_the_filter_the_verdict_is_held() -> None:
    after_night = replace(CAMERA, model=KNOWN, trail=trail_of(view(), NIGHT))
    after_day = replace(CAMERA, model=KNOWN, trail=trail_of(COVERED, replace(DAY, frame=1)))

    held = look(jpeg(take(COVERED, replace(DAY, frame=2))), after_night, keep_nothing)
    told = seen(COVERED, replace(DAY, frame=2), after_day)

    assert (held.finding.verdict, held.finding.cause) == (Verdict.UNKNOWN, "not_checkable")
    assert held.finding.detail["reason"] == SWITCHING
    assert held.note is not None
    assert (held.note.label, held.note.checkable, held.note.reason, held.note.blocks) == (
        "normal",
        False,
        SWITCHING,
        (),
    )
    assert told[:2] == (Verdict.FAULTY, "obstructed")


def test_black_is_black_also_after_a_day() -> None:
    after_day = replace(CAMERA, model=KNOWN, trail=trail_of(view(), DAY))

    assert seen(view() * 0, Shot(noise=0), after_day)[:2] == (Verdict.FAULTY, "black")


@pytest.mark.parametrize("model", [b"", KNOWN])
def test_a_normal_picture_is_learned_where_that_is_allowed(model: bytes) -> None:
    picture = jpeg(take(view(), replace(DAY, frame=4)))

    note = look(picture, replace(CAMERA, model=model, learn=True), keep_nothing).note
    assert note is not None
    learned = vision.CameraModel.loads(note.learned)
    before = vision.CameraModel.loads(model) if model else vision.CameraModel()
    assert learned.count == before.count + 1
    assert learned.stats["day"].accepted == (before.stats["day"].accepted if model else 0)
    assert note.basis == (sha256(model).digest() if model else b"")

    unasked = look(picture, replace(CAMERA, model=model), keep_nothing).note
    assert unasked is not None
    assert (unasked.learned, unasked.basis) == (b"", b"")


def test_a_fault_is_never_learned() -> None:
    picture = jpeg(take(COVERED, replace(DAY, frame=4)))

    note = look(picture, replace(CAMERA, model=KNOWN, learn=True), keep_nothing).note

    assert note is not None
    assert note.learned == b""
