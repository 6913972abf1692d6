"""What a camera shows beside what it ought to show, what it has learned, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.causes import CAUSES
from monitor.health import Track
from monitor.models import DeviceState, LearnedView, Proposal
from monitor.overview import aspects
from monitor.overview.acts import Act
from monitor.overview.faults import Shot, last_shot, references_of
from monitor.overview.knowledge import Knowledge, knowledge
from monitor.overview.listing import Line
from monitor.overview.outlines import ROWS, Veil, veils
from monitor.overview.proposals import proposals_on
from monitor.overview.references import doubt
from monitor.overview.voices import Voice, voice_of
from monitor.policy import STALE_INTERVALS
from monitor.vision import Label
from monitor.vision.view import SAYS_SOMETHING
from monitor.wire import Aspect

if TYPE_CHECKING:
    from devices.models import User

# The map tells in words how much counts at the top, in the middle and at the bottom.
BANDS = 3


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far each block of a phase's view can be relied upon: veils over its reference, and the same in figures.

    `bands` are the shares, in whole percent, of the blocks that count at the top, in the middle and at the bottom.
    """

    reference: Shot
    veils: Sequence[Veil]
    count: int
    total: int
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What the camera shows beside what it ought to show."""

    now: Shot | None
    reference: Shot | None
    references: Sequence[Shot]
    verdict: str
    proof: str
    knowledge: Knowledge
    voice: Voice
    checkable: bool = True
    reliability: Reliability | None = None
    doubt: str = ""
    acts: Sequence[Act] = ()
    proposals: Sequence[Proposal] = ()

    @property
    def others(self) -> list[Shot]:
        """The references that do not stand beside the picture, or alone where there is none."""
        shown = self.references[:1] if self.now is None else [self.reference]
        return [shot for shot in self.references if shot not in shown]

    @property
    def on_picture(self) -> list[Act]:
        """The acts that are about the picture itself: all but learning anew, which is folded away."""
        return [act for act in self.acts if act is not Act.ANEW]

    @property
    def proposing(self) -> bool:
        """Whether a press of this person is a proposal."""
        return self.voice is Voice.PROPOSES

    @property
    def accepted(self) -> bool:
        """Whether a reference binds: the contractor can only propose from then on."""
        return any(shot.binding for shot in self.references)


def view_of(user: User, line: Line, state: DeviceState | None, tracks: Mapping[Aspect, Track], now: datetime) -> View:
    """The view of a device as this person sees it."""
    device = line.device
    references = {phase: shot for (_pk, phase), shot in references_of([device.pk]).items()}
    shot = last_shot(state, now, STALE_INTERVALS * line.policy.picture_s) if state else None
    note: Mapping[str, Any] = state.picture if state else {}
    known = knowledge(LearnedView.objects.filter(device=device).first())
    fresh = shot is not None and not shot.stale
    reference = references.get(shot.phase) if shot else None
    voice = voice_of(user, device)
    proposals = proposals_on(device, user, voice)
    waiting = {proposal.act for proposal in proposals if proposal.waits and voice is Voice.PROPOSES}
    return View(
        now=shot,
        reference=reference,
        references=[references[phase] for phase in sorted(references)],
        verdict=aspects.verdict(note, tracks, compared=note.get("phase") in known.reliability) if fresh else "",
        proof=aspects.proof(note) if fresh else "",
        knowledge=known,
        voice=voice,
        checkable=not fresh or bool(note.get("checkable")),
        reliability=_reliability(reference or next(iter(references.values()), None), known),
        doubt=doubt(state) if fresh and state else "",
        acts=[act for act in _acts(note, known) if act not in waiting] if fresh and voice is not Voice.NONE else (),
        proposals=proposals,
    )


def _acts(note: Mapping[str, Any], known: Knowledge) -> list[Act]:
    """What makes sense with a picture: `references.check` refuses the rest."""
    label = note.get("label")
    teachable = note.get("phase") in known.reliability
    acts = [Act.ACCEPT]
    if teachable and note.get("checkable"):
        acts += [Act.FINE] if label in CAUSES else []
        acts += [Act.FAULT] if label == Label.NORMAL else []
    return [*acts, Act.ANEW] if known.learned else acts


def _reliability(reference: Shot | None, known: Knowledge) -> Reliability | None:
    blocks = known.reliability.get(reference.phase) if reference else None
    if reference is None or blocks is None:
        return None
    counting = [value > SAYS_SOMETHING for value in blocks]
    size = len(blocks) // ROWS * (ROWS // BANDS)
    bands = tuple(100 * sum(counting[at : at + size]) // size for at in range(0, len(blocks), size))
    return Reliability(reference, veils(blocks), sum(counting), len(blocks), bands)
