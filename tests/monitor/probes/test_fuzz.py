"""Whatever a device sends, reading it ends soon, breaks nothing, and finds nothing that is not there.

`python -m tests.monitor.probes.test_fuzz 1000000 [SEED]` tries as many mutants as you have time for, with any seed.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.addresses import redact
from monitor.probes import camera, clock, digest, http1, refusals, reply, snapshot
from monitor.probes.failure import Garbled
from monitor.wire import Credential, Verdict
from tests.monitor.probes.device import information, profiles, services, uri
from tests.monitor.probes.fake import ENVELOPE, fault, moment
from tests.monitor.probes.mutator import Mutator
from tests.monitor.probes.recordings import FILES

SEED = 20_261_124
MUTANTS, HEADS = 20_000, 5_000
LIMIT_S = 0.05
OPERATIONS = ("GetSystemDateAndTime", "GetDeviceInformation", "GetServices", "GetProfiles", "GetSnapshotUri")


# -- readers and their oracles


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds; the better of two where the first was long (a collection of garbage may have fallen into it)."""
    times = []
    for _ in range(2):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
        if times[0] < LIMIT_S:
            break
    return min(times)


_FIELDS = ("Year", "Month", "Day", "Hour", "Minute", "Second")


def _moments(data: bytes) -> Iterator[datetime]:
    """Every date that can be put together from the numbers in the bytes, found without any parser."""
    bare = data.replace(b"\0", b"")
    found = [{int(one) for one in re.findall(rb"%s\W*?>\s*(-?\d{1,5})" % name.encode(), bare)} for name in _FIELDS]
    for year, month, day, hour, minute, second in product(*found):
        try:
            yield datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError:
            continue


def check_clock(data: bytes, found: reply.Reply, now: datetime) -> None:
    """A clock is right only where such a time is there to be seen, as UTC or as local time."""
    told = reply.date_time(found)
    if told is None:
        return
    if clock.judge(told, now).verdict is Verdict.OK:
        near = timedelta(seconds=clock.LIMIT_S + 1)
        zones = (timedelta(0), timedelta(seconds=clock.CHINA_STANDARD_S))
        assert any(abs(one - zone - now) <= near for one in _moments(data) for zone in zones), data


def check_facts(data: bytes, found: reply.Reply) -> None:
    """What is read is bounded, and a device is the same only by its own serial number."""
    facts = reply.information(found)
    finding = camera.identity(facts, "expected-serial")
    assert finding.verdict is not Verdict.OK or not (facts or {}).get("serial")
    texts = [*(facts or {}).values(), reply.snapshot_uri(found), *(found.fault.codes if found.fault else ())]
    assert all(len(text) <= 512 for text in texts)
    path = reply.path_of(reply.snapshot_uri(found))
    assert not path or path.startswith("/")
    assert path.isprintable()
    assert path.isascii()
    profiles = reply.profiles(found)
    assert len(profiles) <= reply.MAX_PROFILES
    assert all(0 < len(profile.token) <= reply.MAX_TOKEN for profile in profiles)
    reply.media_address(found)
    for operation in OPERATIONS:
        assert not found.answers(operation) or operation.encode() in data.replace(b"\0", b"")


def check(data: bytes, now: datetime) -> bool:
    """Read everything there is to read; returns whether there was an envelope."""
    found = reply.read(data)
    if found is None:
        return False
    check_clock(data, found, now)
    check_facts(data, found)
    return True


def run(replies: list[bytes], count: int, seed: int) -> tuple[int, float]:
    """Try so many mutants; returns how many were read and the longest CPU time of one."""
    now, mutator, longest, read = datetime.now(UTC), Mutator(replies, seed), 0.0, 0
    for _ in range(count):
        data = mutator.one()
        took = _cpu(lambda data=data: check(data, now))  # type: ignore[misc]
        assert took < LIMIT_S, (took, data)
        longest = max(longest, took)
        read += reply.read(data) is not None
    return read, longest


def recorded() -> list[bytes]:
    """The recorded replies, else our own; a tenth more tell the time of now, so that a right clock can come of one."""
    files = [data for file in FILES if len(data := file.read_bytes()) < 20_000] or _own()
    return files + [_right_clock()] * max(1, len(files) // 10)


def _own() -> list[bytes]:
    said = (information(), services(), profiles(), uri("http://10.0.0.9/snap.jpg"), fault("NotAuthorized", "no"))
    return [whole.partition(b"\r\n\r\n")[2] for whole in said]


def _right_clock() -> bytes:
    now = datetime.now(UTC)
    both = moment("UTCDateTime", now) + moment("LocalDateTime", now + timedelta(hours=8))
    return ENVELOPE % f"<GetSystemDateAndTimeResponse>{both}</GetSystemDateAndTimeResponse>".encode()


@pytest.mark.parametrize("part", range(4))
def test_mutated_replies(part: int) -> None:
    count = MUTANTS // 4
    read, _ = run(recorded(), count, SEED + part)

    assert count * 0.3 < read < count * 0.98  # neither all spoiled nor all sound


def test_mutated_clocks() -> None:
    now, mutator, right = datetime.now(UTC), Mutator([_right_clock()], SEED), 0
    for _ in range(3_000):
        data = mutator.one()
        found = reply.read(data)
        if found is not None:
            check_clock(data, found, now)
            told = reply.date_time(found)
            right += told is not None and clock.judge(told, now).verdict is Verdict.OK

    assert 300 < right < 2_500  # the oracle had something to say


# -- heads

_LINES = (
    *(
        "HTTP/1.1 200 OK",
        "HTTP/1.0 401 Unauthorized",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1  204",
        "HTTP/2 200",
        "ICY 200 OK",
    ),
    *("Content-Length: 12", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1, 2"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Connection: close", "Content-Encoding: gzip"),
    *("Content-Type: multipart/x-mixed-replace; boundary=x", "Content-Type: image/jpeg", ": nameless", "no colon", ""),
    'WWW-Authenticate: Digest realm="a\\"b", nonce="n", qop="auth,auth-int", algorithm=MD5-sess, opaque=""',
    'WWW-Authenticate: Basic realm="x", Digest nonce=n, stale=TRUE',
    "Location: http://u:p@[::1]:99999/%zz?#",
)


def _head(chance: random.Random) -> bytes:
    lines = chance.choices(_LINES, k=chance.randint(1, 14))
    data = bytearray(chance.choice(("\r\n", "\n", "\r")).join(lines).encode("latin-1") + b"\r\n\r\n")
    data += chance.choice((b"", b"5\r\nabcde\r\n0\r\n\r\n", b"zz", chance.randbytes(40)))
    for _ in range(chance.randint(0, 6)):
        place = chance.randrange(len(data))
        piece = chance.choice((chance.randbytes(3), b"\0" * 9, b'"' * 40, b"\\" * 40, b" " * 400, b"\r\n"))
        data[place : place + chance.randint(0, 4)] = piece
    return bytes(data)


def hear(data: bytes) -> http1.Head | None:
    """Read bytes as the transport does: a head, its challenges, as much of a body as there is."""
    buffer = bytearray(data)
    stop = http1.head_end(buffer)
    try:
        head = http1.parse_head(bytes(buffer[:stop]))
    except Garbled as exc:
        assert exc.finding().cause == "protocol"
        return None
    del buffer[:stop]
    body = http1.Body.of(head, cap=64)
    body.feed(buffer)
    body.closed()
    assert body.end is not None
    assert len(body.data) <= 64
    for challenge in digest.parse(head.all("www-authenticate")):
        assert challenge.scheme
        if challenge.usable and challenge.scheme == "digest":
            assert digest.Kept(challenge).authorization("GET", "/", _CREDENTIAL)
    return head


_CREDENTIAL = Credential("admin", "pw")


def test_fuzzed_heads() -> None:
    chance, read = random.Random(SEED), 0
    for _ in range(HEADS):
        data = _head(chance)
        took = _cpu(lambda data=data: hear(data))  # type: ignore[misc]
        assert took < LIMIT_S, (took, data)
        read += hear(data) is not None

    assert HEADS * 0.1 < read < HEADS * 0.9


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_heard(data: bytes) -> None:
    hear(data)
    hear(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    hear(b"HTTP/1.1 401 X\r\nWWW-Authenticate: " + data.replace(b"\n", b" ") + b"\r\n\r\n")
    snapshot.content(data)
    refusals.refusal(data)
    assert reply.read(data) is None or b"Envelope" in data.replace(b"\0", b"")


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=600))
def test_any_address_is_a_path_or_none(said: str) -> None:
    path = reply.path_of(said)

    assert not path or (path.startswith("/") and path.isascii() and path.isprintable() and " " not in path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 70), min_size=6, max_size=6), st.integers(0, 3_000))
def test_any_figures_are_judged(parts: list[int], year: int) -> None:
    fields = dict(zip(_FIELDS, [year, *parts[1:]], strict=True))
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    data = ENVELOPE % f"<UTCDateTime>{inner}</UTCDateTime>".encode()

    assert check(data, datetime.now(UTC))


# -- time: no text is read in more ways than one

_ATOMS = (
    '"',
    "\\",
    " ",
    ",",
    "=",
    "a",
    "1",
    "<",
    "<!---->",
    "<!--",
    "-->",
    "//",
    ":",
    "_a=",
    "/user=",
    "locked ",
    "1 more ",
    "&",
)
_READERS: Mapping[str, tuple[Callable[[str], object], int]] = {
    "challenge": (lambda text: digest.parse(["Digest a=" + text]), http1.MAX_HEAD),
    "refusal": (lambda text: refusals.refusal(text.encode()), 100_000),
    "busy": (lambda text: refusals.is_busy(text.encode()), 100_000),
    "picture": (lambda text: snapshot.content(text.encode()), 100_000),
    "path": (reply.path_of, 512),
    "redacted": (lambda text: redact("http:" + text), 512),
    "fault": (lambda text: reply.Fault((), text).unauthorised, 512),
    "status": (lambda text: hear(b"HTTP/1.1 200 " + text.encode() + b"\r\n\r\n"), http1.MAX_HEAD - 20),
    "header": (lambda text: hear(b"HTTP/1.1 200 OK\r\nA: " + text.encode() + b"\r\n\r\n"), http1.MAX_HEAD - 30),
    "declaration": (lambda text: reply.read(b"<?xml encoding=" + text.encode()), 500_000),
}


@pytest.mark.parametrize("name", _READERS)
def test_no_text_takes_long(name: str) -> None:
    """Each atom, and each pair of them, as often as fits, with and without an end that fits nothing."""
    read, size = _READERS[name]
    for first, second, end in product(_ATOMS, ("", *_ATOMS), ("", "?", "\n")):
        text = (first + second) * (size // len(first + second)) + end
        assert _cpu(lambda text=text: read(text)) < LIMIT_S, (first, second, end)  # type: ignore[misc]


if __name__ == "__main__":
    print(run(recorded(), int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())))
