"""Whether a batch's faults may be believed, or it is we who are blind (DESIGN, decision 9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.probes import wallclock
from monitor.probes.canary import Watch
from monitor.probes.failure import unknown
from monitor.wire import Aspect, Finding, Reading, Target, Verdict

BLIND: Final = "collector_blind"
LAGGING: Final = "collector_lagging"
DOUBTFUL: Final = "batch_doubtful"

# A loop that was this late has let time-outs pass that were no device's. Seconds.
LAG_LIMIT_S: Final = 1.0
# "Most of a batch": this share of at least so many endpoints, across at least so many parents (or without a parent).
LOST_SHARE: Final = 0.6
LOST_LEAST: Final = 10
LOST_APART: Final = 3
# A second such batch confirms the first one only while it is fresh. Seconds.
CONFIRMS_FOR_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of our own sight when a batch is over.

    `lost`: most of the batch was lost; `confirmed`: so was one that ended before this one began, a moment ago.
    """

    first: Watch = Watch.NONE
    last: Watch = Watch.NONE
    lag_s: float = 0.0
    lost: bool = False
    confirmed: bool = False


def why_unknown(seen: Evidence) -> str:
    """Why a batch's faults are unknown and ours, as a key of `causes.UNKNOWN_OURS`; "" where they are believed.

        canary first  canary last  loop lags  most lost  confirmed  then
        lost          any          any        any        any        collector_blind
        any           lost         any        any        any        collector_blind
        not lost      not lost     yes        any        any        collector_lagging
        seen          seen         no         any        any        believed
        none          none         no         no         any        believed
        none          none         no         yes        no         batch_doubtful
        none          none         no         yes        yes        believed

    With a canary in sight a whole compound without power is a whole compound without power, and believed at once.
    """
    if Watch.LOST in (seen.first, seen.last):
        return BLIND
    if seen.lag_s > LAG_LIMIT_S:
        return LAGGING
    if seen.first is Watch.NONE and seen.lost and not seen.confirmed:
        return DOUBTFUL
    return ""


def mostly_lost(targets: Sequence[Target], lost: Collection[int]) -> bool:
    """Whether most of these endpoints were lost, and not merely one switch with all that hangs on it.

    `lost` are the ids of endpoints whose link is faulty.
    """
    gone = [target for target in targets if target.endpoint_id in lost]
    apart = {("parent", target.parent) if target.parent else ("endpoint", target.endpoint_id) for target in gone}
    return len(targets) >= LOST_LEAST and len(gone) >= LOST_SHARE * len(targets) and len(apart) >= LOST_APART


def bad(reading: Reading) -> bool:
    """Whether anything is wrong with the device, as far as this reading goes."""
    return any(finding.verdict is Verdict.FAULTY for finding in reading.findings.values())


def link_lost(reading: Reading) -> bool:
    """Whether the device could not be reached."""
    link = reading.findings.get(Aspect.LINK)
    return link is not None and link.verdict is Verdict.FAULTY


def blanks(target: Target, cause: str) -> list[Reading]:
    """Readings that say only that we did not get to know anything."""
    at = wallclock.now()
    return [
        Reading(subject.device_id, target.endpoint_id, at, 0.0, {Aspect.LINK: unknown(cause)}, lease=target.lease)
        for subject in target.subjects
    ]


def doubted(reading: Reading, cause: str) -> Reading:
    """The same reading with nothing held against the device but what a login came to.

    That a device refused a login is its own word, and forgetting it would lock the device at the next visit. So is what
    was learned about how to ask it, unless we may have been blind: who learns anew asks twice as much.
    """
    findings: dict[Aspect, Finding] = {Aspect.LINK: unknown(cause)}
    if reading.credential == "refused" and Aspect.ACCESS in reading.findings:
        findings[Aspect.ACCESS] = reading.findings[Aspect.ACCESS]
    learned = {} if cause == BLIND else reading.passport
    return replace(reading, findings=findings, passport=learned, facts={}, picture=None)
