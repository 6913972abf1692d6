"""Who made a device, by what it lets slip."""

from __future__ import annotations

import time

import pytest

from monitor.probes import http1, vendor


def _reply(*headers: str, body: bytes = b"") -> http1.Response:
    head = http1.parse_head("\r\n".join(["HTTP/1.1 401 X", *headers, "", ""]).encode())
    return http1.Response(head, body, http1.End.WHOLE)


@pytest.mark.parametrize(
    ("header", "make"),
    [
        ('WWW-Authenticate: Digest qop="auth", realm="IP Camera(AE424)", nonce="33", stale="FALSE"', "hikvision"),
        ('WWW-Authenticate: Digest realm="DS-2CD2012-I", nonce="33"', "hikvision"),
        ("Server: App-webs/", "hikvision"),
        ("Server: DNVRS-Webs", "hikvision"),
        ("Location: /doc/page/login.asp", "hikvision"),
        ('WWW-Authenticate: Digest realm="DH_00408CA5EA04", nonce="1"', "dahua"),
        ('WWW-Authenticate: Digest realm="Login to 2J01018PAA00816",qop="auth",nonce="b2"', "dahua"),
        ('WWW-Authenticate: Digest realm="AXIS_00408C1A2B3C", nonce="1"', "axis"),
        ("Server: uc-httpd 1.0.0", "xiongmai"),
        ('WWW-Authenticate: Digest realm="IP Camera", nonce="1"', ""),
        ('WWW-Authenticate: Basic realm="Login to the router"', ""),
        ("Server: nginx", ""),
        ("X: y", ""),
    ],
)
def test_a_header_gives_the_make_away(header: str, make: str) -> None:
    assert vendor.by_reply(_reply(header)) == make


@pytest.mark.parametrize(
    ("manufacturer", "make"),
    [("HIKVISION", "hikvision"), ("Dahua", "dahua"), ("UNIVIEW", "uniview"), ("Axis", "axis"), ("", ""), ("Other", "")],
)
def test_a_manufacturer_names_the_make(manufacturer: str, make: str) -> None:
    assert vendor.by_name(manufacturer) == make


@pytest.mark.parametrize(
    ("title", "server", "no_camera"),
    [
        ("TP-LINK Wireless Router WR841N", "", True),
        ("", "Synology", True),
        ("HP LaserJet 1020", "", True),
        ("光猫管理", "", True),
        ("Network Camera", "nginx", False),
        ("WEB SERVICE", "", False),
        ("", "", False),
    ],
)
def test_what_is_certainly_something_else(title: str, server: str, no_camera: bool) -> None:
    page = f"<html><head><TITLE>\n {title} </TITLE></head></html>".encode()
    front = vendor.front(_reply(f"Server: {server}", body=page))
    assert (front.title, front.server) == (title, server)
    assert front.is_no_camera is no_camera


def test_a_camera_is_its_own_first_channel() -> None:
    assert vendor.snapshot_of("isapi", 0) == "/ISAPI/Streaming/channels/101/picture"
    assert vendor.snapshot_of("isapi", 16) == "/ISAPI/Streaming/channels/1601/picture"
    assert vendor.snapshot_of("dahua_cgi", 2) == "/cgi-bin/snapshot.cgi?channel=2"
    assert vendor.stream_of("dahua", 0) == "/cam/realmonitor?channel=1&subtype=0"
    assert (vendor.stream_of("axis", 1), vendor.stream_of("", 1), vendor.rung_of("")) == ("", "", "")


def test_every_way_of_a_make_has_its_path() -> None:
    assert {one.rung for one in vendor.VENDORS if one.rung} == set(vendor.SNAPSHOTS)


@pytest.mark.parametrize("body", [b"<title" * 11_000, b"<title " + b"x" * 65_000, b"<title>" * 9_000])
def test_a_page_of_titles_holds_nothing_up(body: bytes) -> None:
    began = time.thread_time()
    vendor.front(_reply(body=body))
    assert time.thread_time() - began < 0.1
