"""Connections and heads that go wrong: silence, drips, resets, other protocols, headers without end, TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from monitor.simulator.hostile.acts import (
    always,
    challenge,
    clock,
    device,
    drip,
    flood,
    greeting,
    http,
    moment,
    then_close,
    then_reset,
)
from monitor.simulator.hostile.stage import Asked, Misbehaviour, Stage

_OK = b"HTTP/1.1 200 OK\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# A TLS record that announces 16 kB of ServerHello and brings little of it; a fatal alert "protocol version".
_HALF_HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(32)
_TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x46"
_HTTP2_SETTINGS = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
_TELNET = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27\r\nlogin: "


async def _silent(stage: Stage) -> None:
    await stage.linger()


async def _close(stage: Stage) -> None:
    stage.half_close()


async def _reset(stage: Stage) -> None:
    stage.reset()


async def _reset_after_request(stage: Stage) -> None:
    await stage.hear()
    stage.reset()


async def _echo(stage: Stage, asked: Asked) -> None:
    await stage.say(f"{asked.method} {asked.target} HTTP/1.1\r\n\r\n".encode() + asked.body)


async def _unsaid_close(stage: Stage) -> None:
    """One answer a connection, and no word that it is the only one."""
    await stage.hear()
    await stage.say(clock(moment()))
    await stage.hear()
    stage.half_close()


async def _slow_continue(stage: Stage, _asked: Asked) -> None:
    while True:
        await stage.say(_CONTINUE)
        await asyncio.sleep(0.1)


LINES: Mapping[str, Misbehaviour] = {
    # -- nothing, or too little
    "silence": Misbehaviour("Accepts and says nothing.", _silent),
    "accept_close": Misbehaviour("Accepts and closes.", _close),
    "accept_reset": Misbehaviour("Accepts and resets.", _reset),
    "reset_after_request": Misbehaviour("Hears the request and resets.", _reset_after_request),
    "close_in_head": Misbehaviour("Closes in the middle of a header.", always(then_close(_OK + b"Content-Le"))),
    "reset_in_head": Misbehaviour("Resets in the middle of a header.", always(then_reset(_OK + b"Content-Le"))),
    "reset_in_body": Misbehaviour("Resets in mid-body.", always(then_reset(http(b"<s:Envelope", length="500")))),
    "half_close": Misbehaviour(
        "Ends its own side after the head and goes on listening.", always(then_close(http(length="500")))
    ),
    "unsaid_close": Misbehaviour("Says keep-alive and closes at the second request.", _unsaid_close),
    # -- drips
    "drip_status": Misbehaviour(
        "The status line comes a byte at a time.", always(drip(b"", b"HTTP/1.1 200 OK" + b"K" * 99))
    ),
    "drip_headers": Misbehaviour("Headers come a byte at a time.", always(drip(_OK, b"X-Header: value\r\n"))),
    "drip_body": Misbehaviour("A body comes a byte at a time.", always(drip(http(length="90000"), b"<"))),
    "drip_spaces": Misbehaviour(
        "Blanks a byte at a time before the envelope.", always(drip(http(length="90000"), b" "))
    ),
    # -- heads
    "headers_endless": Misbehaviour("Headers that never end.", always(flood(_OK, b"X-Header: value\r\n"))),
    "headers_100000": Misbehaviour("A hundred thousand headers.", always(_OK + b"X: y\r\n" * 100_000 + b"\r\n")),
    "header_10_mb": Misbehaviour("One header of 10 MB.", always(_OK + b"X: " + b"y" * 10_000_000 + b"\r\n\r\n")),
    "header_nameless": Misbehaviour(
        "Header lines without a name or a colon.", always(_OK + b": nameless\r\nno colon\r\n" * 20 + b"\r\nOK")
    ),
    "header_binary": Misbehaviour("Headers of all bytes.", always(_OK + bytes(range(256)) * 20 + b"\r\n\r\n")),
    "status_line_1_mb": Misbehaviour(
        "A status line of 1 MB.", always(b"HTTP/1.1 200 " + b"O" * 1_000_000 + b"\r\n\r\n")
    ),
    "status_999": Misbehaviour("Status 999.", always(http(b"x", status="999 Odd"))),
    "status_negative": Misbehaviour("Status -200.", always(http(b"x", status="-200 OK"))),
    "status_text": Misbehaviour("A status that is no number.", always(http(b"x", status="OK OK"))),
    "nuls_first": Misbehaviour("NULs before the status line.", always(bytes(64) + http(b"x"))),
    "bare_feeds": Misbehaviour("Line feeds only, no status text.", always(http(b"x").replace(b"\r\n", b"\n"))),
    "http_09": Misbehaviour("HTTP/0.9: a body without a head.", always(then_close(b"<html>camera</html>"))),
    "http_2": Misbehaviour("Answers in HTTP/2 frames.", greeting(_HTTP2_SETTINGS)),
    "echo": Misbehaviour("Sends the request back.", always(_echo)),
    # -- interim replies
    "continue_storm": Misbehaviour("100 Continue without end, as fast as it goes.", always(flood(b"", _CONTINUE))),
    "continue_slow": Misbehaviour("100 Continue every tenth of a second.", always(_slow_continue)),
    "early_hints": Misbehaviour(
        "Early hints of 30 kB each, without end.",
        always(flood(b"", b"HTTP/1.1 103 X\r\nA: " + b"b" * 30_000 + b"\r\n\r\n")),
    ),
    "switching": Misbehaviour(
        "101 Switching Protocols, then frames.", always(b"HTTP/1.1 101 X\r\n\r\n" + _HTTP2_SETTINGS)
    ),
    # -- other protocols
    "rtsp": Misbehaviour("An RTSP port.", always(b"RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n")),
    "ssh": Misbehaviour("An SSH port.", greeting(b"SSH-2.0-dropbear_2014.63\r\n")),
    "ftp": Misbehaviour("An FTP port.", greeting(b"220 camera FTP server ready\r\n")),
    "telnet": Misbehaviour("A telnet port.", greeting(_TELNET)),
    "sip": Misbehaviour("A SIP port.", always(b"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
    "mysql": Misbehaviour("A database port: binary first.", greeting(b"\x4a\x00\x00\x00\x0a5.7.0\x00" + bytes(40))),
    "tls_alert_plain": Misbehaviour("A TLS port dialled in clear.", greeting(_TLS_ALERT)),
    # -- TLS
    "tls_silence": Misbehaviour("Never answers a ClientHello.", _silent, tls="raw"),
    "tls_half_hello": Misbehaviour("Stalls within its ServerHello.", greeting(_HALF_HELLO), tls="raw"),
    "tls_alert": Misbehaviour("Answers a ClientHello with an alert.", greeting(_TLS_ALERT), tls="raw"),
    "tls_plain_http": Misbehaviour(
        "Answers a ClientHello in plain HTTP.", greeting(http(b"x", status="400 X")), tls="raw"
    ),
    "tls_reset": Misbehaviour("Resets at a ClientHello.", _reset, tls="raw"),
    "tls_stall": Misbehaviour("Stalls after the handshake.", _silent, tls="served"),
    "tls_close": Misbehaviour("Closes after the handshake.", _close, tls="served"),
    "tls_drip": Misbehaviour("Drips headers within TLS.", always(drip(_OK, b"X: y\r\n")), tls="served"),
    "tls_flood": Misbehaviour("A body without end within TLS.", always(flood(http(length=""), b"<a>")), tls="served"),
    "tls_decent": Misbehaviour("Decent, but for a certificate of its own making.", device({}), tls="served"),
    "tls_basic": Misbehaviour(
        "Asks for Basic within TLS, where it may be answered, and refuses it.",
        always(challenge('Basic realm="cam"')),
        tls="served",
    ),
}
