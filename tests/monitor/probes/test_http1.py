"""HTTP replies as bytes: what is tolerated, what is garbled, where the caps are."""

from __future__ import annotations

import pytest

from monitor.probes import http1
from monitor.probes.failure import Garbled

CAP = 1000


def _head(text: str) -> http1.Head:
    return http1.parse_head(text.encode("latin-1"))


def _body(head: str, *parts: bytes, closed: bool = True, cap: int = CAP) -> tuple[bytes, http1.End | None, bytes]:
    body = http1.Body.of(_head(head), cap)
    buffer = bytearray()
    for part in parts:
        buffer += part
        if body.end is None:
            body.feed(buffer)
    if closed:
        body.closed()
    return bytes(body.data), body.end, bytes(buffer)


def test_a_head_is_read() -> None:
    head = _head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\nx: 2\r\n\r\n")
    assert (head.status, head.get("content-length"), head.all("x"), head.get("none")) == (200, "5", ["1", "2"], "")


@pytest.mark.parametrize("line", ["HTTP/1.1 404", "HTTP/1.0 404 Not Found", "HTTP/1.1  404  x"])
def test_status_lines_of_the_field(line: str) -> None:
    assert _head(line + "\r\n\r\n").status == 404


def test_lines_without_a_name_are_skipped() -> None:
    assert _head("HTTP/1.1 200 OK\r\n: x\r\nnonsense\r\nA: b\r\n\r\n").headers == [("a", "b")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "RTSP/1.0 200 OK",
        "HTTP/2 200",
        "HTTP/1.1",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.1 abc",
        "HTTP/1.1 000",
        "HTTP/1.1 600",
        "\x00HTTP/1.1 200 OK",
    ],
)
def test_what_is_no_status_line_is_garbled(line: str) -> None:
    with pytest.raises(Garbled) as caught:
        _head(line + "\r\n\r\n")
    assert caught.value.cause == "protocol"
    assert "first_bytes" in caught.value.detail


def test_first_bytes_are_printable_and_few() -> None:
    assert http1.first_bytes(b"\x00A\r" + b"x" * 100) == "\\x00A\\r" + "x" * (http1.FIRST_BYTES - 3)


def test_header_lines_are_capped() -> None:
    lines = "A: b\r\n" * (http1.MAX_LINES - 3)
    assert _head(f"HTTP/1.1 200 OK\r\n{lines}\r\n").status == 200
    with pytest.raises(Garbled):
        _head(f"HTTP/1.1 200 OK\r\n{lines}A: b\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", 25),
        (b"HTTP/1.1 200 OK\n\nbody", 17),
        (b"HTTP/1.1 200 OK\r\n", 0),
        (b"", 0),
    ],
)
def test_where_the_body_begins(data: bytes, end: int) -> None:
    assert http1.head_end(bytearray(data)) == end


def test_a_body_may_hold_what_looks_like_a_head_s_end() -> None:
    assert http1.head_end(bytearray(b"HTTP/1.1 200 OK\r\n\r\nxx\n\nyy")) == 19


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        ("HTTP/1.1 200 OK\r\n", True),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        ("HTTP/1.0 200 OK\r\n", False),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_whether_a_connection_is_kept(lines: str, keeps: bool) -> None:
    assert _head(lines + "\r\n").keeps_alive is keeps


def test_a_continue_is_not_the_reply() -> None:
    assert http1.is_interim(_head("HTTP/1.1 100 Continue\r\n\r\n"))
    assert not http1.is_interim(_head("HTTP/1.1 200 OK\r\n\r\n"))


LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n"
CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"


def test_a_body_with_a_length() -> None:
    assert _body(LENGTH.format(4), b"ab", b"cdef", closed=False) == (b"abcd", http1.End.WHOLE, b"ef")


def test_a_body_that_ends_early_is_kept_as_far_as_it_came() -> None:
    assert _body(LENGTH.format(9), b"abc") == (b"abc", http1.End.SHORT, b"")


@pytest.mark.parametrize("said", ["x", "-1", "", "1e3", "9" * 16])
def test_a_length_that_is_none_ends_with_the_connection(said: str) -> None:
    assert _body(LENGTH.format(said), b"abc") == (b"abc", http1.End.WHOLE, b"")


def test_a_length_of_nothing_is_whole_at_once() -> None:
    assert _body(LENGTH.format(0), closed=False)[1] is http1.End.WHOLE
    assert _body("HTTP/1.1 204 No Content\r\n\r\n", closed=False)[1] is http1.End.WHOLE
    assert _body("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", closed=False)[1] is http1.End.WHOLE


def test_the_cap_is_not_passed() -> None:
    assert _body(LENGTH.format(CAP), b"x" * CAP)[1] is http1.End.WHOLE
    data, end, _ = _body(LENGTH.format(CAP + 1), b"x" * (CAP + 1))
    assert (len(data), end) == (0, http1.End.LARGE)  # what says itself that it is too large is not read
    data, end, _ = _body("HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000)
    assert (len(data), end) == (CAP, http1.End.LARGE)


def test_chunks_in_pieces() -> None:
    parts = [b"3\r", b"\nab", b"c\r\n2;ext=1\r\nde\r\n", b"0\r\nTrailer: x\r\n", b"\r\n", b"next"]
    assert _body(CHUNKED, *parts, closed=False) == (b"abcde", http1.End.WHOLE, b"next")


@pytest.mark.parametrize("part", [b"zz\r\n", b"-5\r\nabc", b"x" * 256])
def test_chunks_that_are_none(part: bytes) -> None:
    assert _body(CHUNKED, part)[1] is http1.End.BROKEN


def test_endless_chunks_meet_the_cap() -> None:
    data, end, _ = _body(CHUNKED, *[b"200\r\n" + b"x" * 512 + b"\r\n"] * 10)
    assert (len(data), end) == (CAP, http1.End.LARGE)


def test_chunks_cut_short() -> None:
    assert _body(CHUNKED, b"5\r\nab") == (b"ab", http1.End.SHORT, b"")
    assert _body(CHUNKED, b"2\r\nab\r\n") == (b"ab", http1.End.SHORT, b"")
