"""Hostile devices: what each misbehaviour is called, and that none outlasts, outgrows or outwits a visit."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from monitor.probes import soap
from monitor.probes.session import Session
from monitor.simulator.hostile.corpus import CORPUS
from monitor.wire import Aspect, Probe, Reading, Verdict, plain
from tests.monitor.probes import hostile
from tests.monitor.probes.hostile import Cost, Visited
from tests.monitor.probes.test_visit import causes

soap.warm()
LINK, ACCESS, CLOCK, SIGHT, IDENTITY = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY
DEADLINE_S = 2.0
GLIMPSE_S = 0.5
OVER_S = 0.25
BUSY_S = 0.2
# What a busy machine makes of a device that sends much; met anew it must be called what it is.
OURS = {"late", "picture_too_slow"}
MEMORY = 8 * 1000 * 1000
# CPU time for which one device may keep the loop from all others; tracing makes everything two to three times slower.
HOLD_S = 0.15
SHORT_DEADLINE_S = 0.12
LARGEST_READING = 32 * 1024

Causes = dict[Aspect, str]
DOWN = dict.fromkeys((ACCESS, CLOCK, SIGHT, IDENTITY), "link_down")
SILENT: Causes = {LINK: "silent"} | DOWN
# Nothing that it says can be understood: the link is fine, the service is not, and nothing is known.
MUTE: Causes = {ACCESS: "protocol"} | dict.fromkeys((CLOCK, SIGHT, IDENTITY), "no_reply")
NO_SERVICE: Causes = MUTE | {ACCESS: "service_missing"}
REFUSED: Causes = {ACCESS: "login_refused", CLOCK: "needs_login", SIGHT: "login_held", IDENTITY: "login_held"}
DECLINED: Causes = {CLOCK: "not_offered", SIGHT: "snapshot_missing", IDENTITY: "not_offered"}
FINE: Causes = {}
NO_ADDRESS: Causes = {SIGHT: "snapshot_missing"}
NO_PICTURE: Causes = {SIGHT: "not_a_picture"}
CORRUPT: Causes = {SIGHT: "corrupt"}
TOO_LARGE: Causes = {SIGHT: "picture_too_large"}
TOO_SLOW: Causes = {SIGHT: "picture_too_slow"}
DEAD: Causes = {CLOCK: "clock_dead"}
TIMELESS: Causes = {CLOCK: "no_reply"}

# Whatever is not named here says nothing that can be understood: `MUTE`.
EXPECTED: Mapping[str, Causes] = {
    **dict.fromkeys(
        ("silence", "accept_close", "reset_after_request", "tls_silence", "tls_half_hello", "tls_stall", "tls_close"),
        SILENT,
    ),
    # Its one answer a connection is the time; what else is asked gets the time as well.
    "unsaid_close": {ACCESS: "protocol", SIGHT: "no_reply", IDENTITY: "no_reply"},
    # The time is cut off, the rest is a decent device.
    "length_too_small": {ACCESS: "protocol", CLOCK: "no_reply"},
    "tls_basic": REFUSED,
    "tls_decent": FINE,
    "redirect_refresh": NO_SERVICE,
    "xml_html": NO_SERVICE,
    **dict.fromkeys(("xml_fault_200", "xml_fault_text", "xml_fault_codes"), DECLINED),
    # -- logins
    **{name: REFUSED for name in CORPUS if name.startswith(("login_", "words_of_"))},
    **dict.fromkeys(("login_10000", "login_nonce_1_mb", "login_proxy"), MUTE),
    "login_stale_storm": REFUSED | {ACCESS: "protocol"},
    "login_basic": REFUSED | {ACCESS: "login_in_clear"},
    "login_basic_picture": {SIGHT: "snapshot_refused"},
    "login_downgrade": {SIGHT: "snapshot_refused"},
    "login_on_200": FINE,
    "words_of_locks": REFUSED | {ACCESS: "locked_out"},
    "words_of_billions": {ACCESS: "locked_out", SIGHT: "login_held", IDENTITY: "login_held"},
    # -- a decent device but for one thing: addresses lead to its own host and port, whatever they say
    **{name: FINE for name in CORPUS if name.startswith(("xaddr_", "uri_", "token_", "identity_"))},
    **dict.fromkeys(("xml_undeclared", "second_reply", "xml_nested_services", "xml_nested_profiles"), FINE),
    **dict.fromkeys(("uri_absent", "uri_colons", "token_400_kb"), NO_ADDRESS),
    # -- clocks
    **{name: DEAD for name in CORPUS if name.startswith("clock_")},
    **dict.fromkeys(
        ("clock_year_long", "clock_missing", "clock_empty", "clock_words", "clock_digits", "clock_float"), TIMELESS
    ),
    "clock_year_9999": {CLOCK: "clock_off"},
    # -- pictures
    **{name: NO_PICTURE for name in CORPUS if name.startswith("picture_")},
    **dict.fromkeys(("redirect_picture", "gzip_bomb_picture", "multipart_endless"), NO_PICTURE),
    **dict.fromkeys(("picture_metadata", "picture_trailing", "picture_octets"), FINE),
    **dict.fromkeys(
        (
            *("picture_truncated", "picture_head_only", "picture_reset", "picture_zero", "picture_few_scans"),
            *("picture_noise", "picture_segments", "picture_fill", "picture_restarts", "picture_tables"),
            "chunked_picture_of_ones",
        ),
        CORRUPT,
    ),
    **dict.fromkeys(
        ("picture_endless", "picture_8_mb", "picture_8_mb_unsaid", "picture_65535", "picture_scans"), TOO_LARGE
    ),
    **dict.fromkeys(("picture_drip", "multipart_no_end"), TOO_SLOW),
    "picture_empty": {SIGHT: "empty_picture"},
    "picture_404": NO_ADDRESS,
}
# A reset that overtakes the accept looks like a closed port to the kernel; who asks for HTTPS may be told apart.
EITHER = {
    **{name: (SILENT, SILENT | {LINK: "port_closed"}) for name in ("accept_reset", "tls_reset")},
    **{name: (MUTE, MUTE | {ACCESS: "https_only"}) for name in ("tls_alert_plain", "redirect_https")},
}


@dataclass(frozen=True)
class Seen:
    """What came of one visit to each, what each saw of it, and who walked into the trap."""

    visits: dict[str, Visited]
    witnesses: dict[str, Any]
    caught: list[str]


def _look(names: Sequence[str], deadline_s: float, probe: Probe) -> Seen:
    with hostile.trap() as trap, hostile.corpus(trap.port) as corpus:
        targets = [corpus.target(name, deadline_s=deadline_s, probe=probe) for name in names]
        visits = dict(zip(names, asyncio.run(hostile.visit_all(targets)), strict=True))
        return Seen(visits, corpus.end(), trap.caught)


def _hindered(visited: Visited) -> bool:
    """Whether the machine was so busy with something else that what came of the visit may be its own doing."""
    return visited.lag_s > BUSY_S and bool(OURS & set(causes(visited.reading).values()))


@pytest.fixture(scope="module")
def seen() -> Seen:
    """One visit with all tiers to each, many at once; who was met while the machine was busy is met anew."""
    found = _look(list(CORPUS), DEADLINE_S, Probe.ONVIF)
    for _ in range(2):
        if not (again := [name for name, visited in found.visits.items() if _hindered(visited)]):
            break
        anew = _look(again, DEADLINE_S, Probe.ONVIF)
        witnesses = found.witnesses | {name: anew.witnesses[name] for name in again}
        found = Seen({**found.visits, **anew.visits}, witnesses, found.caught + anew.caught)
    return found


def test_the_corpus_is_large_and_every_expectation_has_its_misbehaviour() -> None:
    assert len(CORPUS) >= 200
    assert set(EXPECTED) | set(EITHER) <= set(CORPUS)


def _without(causes_: Causes, aspects: set[Aspect]) -> Causes:
    return {aspect: cause for aspect, cause in causes_.items() if aspect not in aspects}


@pytest.mark.parametrize("name", CORPUS)
def test_what_it_is_called(seen: Seen, name: str) -> None:
    visited = seen.visits[name]
    said = causes(visited.reading)
    # What the machine kept a visit from is ours; where that was the link, nothing is said of access either.
    late = {aspect for aspect, cause in said.items() if cause == "late" and _hindered(visited)}
    late |= {ACCESS} if LINK in late else set()

    assert _without(said, late) in [_without(one, late) for one in EITHER.get(name, (EXPECTED.get(name, MUTE),))]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ssh", "no status line"),
        ("headers_endless", "header too long"),
        ("continue_storm", "too many interim replies"),
        ("close_in_head", "ended within the header"),
        ("length_two", "body broken"),
        ("chunk_negative", "body broken"),
        ("body_endless", "body large"),
        ("gzip_bomb", "compressed"),
        ("deflate", "compressed"),
        ("brotli", "compressed"),
        ("redirect_foreign", "redirect"),
        ("xml_wide", "too large a document"),
        ("xml_laughs", "no envelope"),
        ("xml_other_reply", "another reply"),
    ],
)
def test_why_it_is_not_understood_is_told(seen: Seen, name: str, reason: str) -> None:
    assert seen.visits[name].reading.findings[ACCESS].detail["reason"] == reason


@pytest.mark.parametrize("name", CORPUS)
def test_it_does_not_outlast_the_deadline(seen: Seen, name: str) -> None:
    visited = seen.visits[name]

    assert visited.took_s <= DEADLINE_S + OVER_S + visited.lag_s


@pytest.mark.parametrize("name", CORPUS)
def test_its_reading_is_small_whatever_it_says(seen: Seen, name: str) -> None:
    assert len(repr(plain(seen.visits[name].reading))) < LARGEST_READING


def test_nobody_goes_where_they_lead(seen: Seen) -> None:
    assert seen.caught == []


def test_no_password_is_sent_in_clear(seen: Seen) -> None:
    leaks = {name: told["leaks"] for name, told in seen.witnesses.items() if told["leaks"]}
    asked_for_basic = {name for name, told in seen.witnesses.items() if "basic" in told["credentials"]}

    assert leaks == {}
    assert asked_for_basic == {"tls_basic"}  # within TLS it may be answered


def test_who_cannot_be_understood_is_given_no_credential(seen: Seen) -> None:
    given = [name for name, told in seen.witnesses.items() if EXPECTED.get(name, MUTE) == MUTE and told["credentials"]]

    assert given == []


def test_one_refused_login_is_the_last(seen: Seen) -> None:
    refused = [name for name in CORPUS if seen.visits[name].reading.credential == "refused"]
    tries = {name: len(seen.witnesses[name]["credentials"]) for name in refused}

    assert len(refused) > 10
    assert {name: count for name, count in tries.items() if count > 1} == {"login_stale_storm": 2}  # once for the nonce


# -- what is asked for nothing but its page


@pytest.fixture(scope="module")
def glimpsed() -> Seen:
    """One visit each as to a device without ONVIF."""
    return _look(list(CORPUS), GLIMPSE_S, Probe.HTTP)


def test_a_glance_does_not_outlast_its_deadline_either(glimpsed: Seen) -> None:
    late = {
        name: visited.took_s
        for name, visited in glimpsed.visits.items()
        if visited.took_s > GLIMPSE_S + OVER_S + visited.lag_s
    }

    assert late == {}


def test_a_glance_says_whether_anybody_is_there_and_shows_no_credential(glimpsed: Seen) -> None:
    links = {name: visited.reading.findings[LINK] for name, visited in glimpsed.visits.items()}
    gone = {name for name, link in links.items() if link.verdict is Verdict.FAULTY}
    silent = {name for name in CORPUS if LINK in EITHER.get(name, (EXPECTED.get(name, MUTE),))[0]}

    assert gone == silent
    assert not any(told["credentials"] or told["leaks"] for told in glimpsed.witnesses.values())
    assert glimpsed.caught == []


# -- what it costs


@pytest.fixture(scope="module")
def costs() -> Mapping[str, Cost]:
    """One visit to each, alone and traced; "decent" is one to a device whose only oddity is its content type."""

    async def go(corpus: hostile.Corpus) -> dict[str, Cost]:
        session = Session()
        await hostile.cost_of(corpus.target("picture_octets", deadline_s=5.0), session)  # what is loaded once
        decent = await hostile.cost_of(corpus.target("picture_octets", deadline_s=5.0), session)
        found = {"decent": decent}
        for name in CORPUS:
            found[name] = await hostile.cost_of(corpus.target(name, deadline_s=SHORT_DEADLINE_S), session)
        session.close()
        return found

    tracemalloc.start()
    try:
        with hostile.trap() as trap, hostile.corpus(trap.port) as corpus:
            return asyncio.run(go(corpus))
    finally:
        tracemalloc.stop()


def _was_judged(reading: Reading) -> bool:
    return reading.picture is not None


def test_none_takes_more_than_8_mb(costs: Mapping[str, Cost]) -> None:
    """Judging a picture takes its own memory, whoever sent it: that of a decent one is left out where it was judged."""
    judging = costs["decent"].peak
    extra = {name: cost.peak - judging * _was_judged(cost.reading) for name, cost in costs.items()}

    assert {name: peak for name, peak in extra.items() if peak > MEMORY} == {}
    assert max(extra.values()) > MEMORY / 2  # the measure sees what is held: there are pictures up to the cap


def test_none_keeps_the_loop_to_itself(costs: Mapping[str, Cost]) -> None:
    assert {name: cost.hold_s for name, cost in costs.items() if cost.hold_s > HOLD_S} == {}
