"""One picture out of a stream: who is asked, with what login, how long, and what comes of it."""

from __future__ import annotations

import io
import socket
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image

from monitor.probes import streams
from monitor.wire import Aspect, Finding, Reading, Verdict
from tests.monitor.probes.device import JPEG, LEARNED, Script, look
from tests.monitor.probes.fake import HEARTBEAT, PICTURE, Fake, fault, serving, soap, subject, target
from tests.monitor.probes.streaming import SETS, SLICE, Stream, reply, streaming
from tests.monitor.probes.test_visit import causes

if TYPE_CHECKING:
    from monitor.wire import Target

av = pytest.importorskip("av")
SIGHT, ACCESS = Aspect.PICTURE, Aspect.ACCESS
NONE_OFFERED = fault("ActionNotSupported", "no snapshots")
# All other ways are known to lead nowhere.
CLOSED = {"closed_rungs": "isapi=2999-01-01T00:00+00:00 dahua_cgi=2999-01-01T00:00+00:00"}


def _address(host: str, port: int) -> bytes:
    uri = f"rtsp://{host}:{port}/live?ch=1"
    return soap(f"<GetStreamUriResponse><MediaUri><Uri>{uri}</Uri></MediaUri></GetStreamUriResponse>".encode())


def _script(stream: Stream, host: str = "127.0.0.1") -> Script:
    refused = fault("NotAuthorized", "no")
    return Script(
        {
            "GetSnapshotUri": lambda asked: NONE_OFFERED if asked.signed else refused,
            "GetStreamUri": lambda asked: _address(host, stream.port) if asked.signed else refused,
        }
    )


def _goal(fake: Fake, **given: Any) -> Target:
    passport = {**LEARNED, **CLOSED, "snapshot_path": "", **given.pop("passport", {})}
    return target(fake.port, subject(tiers=PICTURE, passport=passport), **given)


def _encoded() -> list[bytes]:
    """One key frame of the picture that is judged normal, as H.264 units with their parameter sets."""
    encoder = cast("Any", av.CodecContext.create("libx264", "w"))
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 640, 360, "yuv420p", Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    image = Image.open(io.BytesIO(JPEG)).resize((640, 360))
    packets = [*encoder.encode(av.VideoFrame.from_image(image)), *encoder.encode(None)]
    data = b"".join(bytes(packet) for packet in packets).replace(b"\x00\x00\x00\x01", b"\x00\x00\x01")
    return [unit for unit in data.split(b"\x00\x00\x01") if unit]


KEY = _encoded()


def _stream(**given: Any) -> Stream:
    return Stream(**{"units": ((SLICE,), KEY), "sets": (), **given})


@pytest.mark.parametrize("scheme", ["", "digest"])
def test_a_device_without_a_snapshot_is_seen_by_its_stream(scheme: str) -> None:
    with streaming(_stream(scheme=scheme)) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake))[0]
    assert causes(reading) == {}
    assert reading.passport["snapshot_rung"] == "rtsp"
    assert reading.passport["stream_path"] == "/live?ch=1"
    assert reading.passport["rtsp_port"] == str(stream.port)
    assert reading.passport["rtsp_auth"] == (scheme or "none")
    assert stream.connections == 1
    assert len(stream.signed()) == (4 if scheme else 0)
    assert stream.methods()[-4:] == ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]


def test_the_way_that_works_is_taken_at_once_the_next_time() -> None:
    with streaming(_stream()) as stream, serving(_script(stream)) as fake:
        first = look(_goal(fake))[0]
        before = len(fake.asked)
        again = look(_goal(fake, passport=first.passport))[0]
    assert causes(again) == {}
    assert again.passport == {}
    assert len(fake.asked) == before
    assert stream.connections == 2


def test_host_and_port_are_never_believed_whatever_the_description_says() -> None:
    with streaming(_stream(control="rtsp://10.9.8.7:1/other/track1")) as stream, serving(_script(stream)) as fake:
        assert causes(look(_goal(fake))[0]) == {}
    setup = next(url for method, url, _ in stream.asked if method == "SETUP")
    assert setup == f"rtsp://127.0.0.1:{stream.port}/other/track1"


def test_behind_an_address_translation_another_device_s_stream_is_not_taken() -> None:
    with streaming(_stream()) as stream, serving(_script(stream, "192.168.1.64")) as fake:
        reading = look(_goal(fake))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert stream.asked == []


def test_a_redirect_is_not_followed() -> None:
    moved = reply("1", 302, b"", "Location: rtsp://127.0.0.1:9/x")
    with streaming(_stream(replies={"DESCRIBE": moved})) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert stream.methods() == ["DESCRIBE"]


def test_a_password_is_not_sent_in_clear_unless_the_policy_says_so() -> None:
    with streaming(_stream(scheme="basic")) as stream, serving(_script(stream)) as fake:
        refused = look(_goal(fake))[0]
        assert stream.signed() == []
        allowed = look(_goal(fake, basic_in_clear=True))[0]
    assert causes(refused) == {SIGHT: "snapshot_missing"}
    assert causes(allowed) == {}


def test_a_login_that_only_the_stream_refuses_is_tried_once_and_closes_this_way_only() -> None:
    with streaming(_stream(scheme="digest", password="other")) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert (reading.credential, reading.hold_s) == ("worked", 0)
    assert len(stream.signed()) == 1
    assert "rtsp=" in reading.passport["closed_rungs"]


def test_no_password_is_in_any_request_that_is_told() -> None:
    told: list[object] = []
    with streaming(_stream(scheme="digest", password="s3cret")) as stream, serving(_script(stream)) as fake:
        goal = _goal(fake, password="s3cret")
        readings = look(goal, on_step=lambda *given: told.append(given))
    assert "s3cret" not in repr(readings) + repr(told) + repr(stream.asked)


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n\r\n", b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"])
def test_what_is_wrong_with_the_stream_is_no_trouble_of_onvif(said: bytes) -> None:
    with streaming(_stream(replies={"DESCRIBE": said})) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert "trouble" not in reading.passport


@pytest.mark.parametrize("flood", [b"RTSP/1.0 200 OK\r\n\r\n" * 50_000, b"$\x02\x00\x00" * 200_000])
def test_what_is_sent_instead_of_pictures_is_not_read_for_ever(flood: bytes) -> None:
    began = time.thread_time()
    played = reply("4") + flood
    with streaming(_stream(replies={"PLAY": played})) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake, deadline_s=5.0))[0]
    assert causes(reading) == {SIGHT: "snapshot_missing"}
    assert reading.took_ms < 2_500
    assert time.thread_time() - began < 1.0


@pytest.mark.parametrize(
    "replies",
    [
        {"DESCRIBE": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
        {"DESCRIBE": b"\x00" * 40_000},
        {"DESCRIBE": reply("1", 200, b"v=0\r\nm=audio 0 RTP/AVP 8\r\n")},
        {"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"},
        {"SETUP": reply("1", 461)},
        {"PLAY": reply("1", 503)},
        {"DESCRIBE": reply("1", 404)},
    ],
)
def test_a_stream_that_cannot_be_understood_is_no_picture_and_no_crash(replies: dict[str, bytes]) -> None:
    with streaming(_stream(replies=replies)) as stream, serving(_script(stream)) as fake:
        reading = look(_goal(fake, deadline_s=1.0))[0]
    assert reading.findings[SIGHT].verdict is not Verdict.OK
    assert reading.took_ms < 1250


def test_a_stream_without_a_key_frame_takes_its_share_of_the_time_and_no_more() -> None:
    with streaming(_stream(units=((SLICE,),) * 3)) as stream, serving(_script(stream)) as fake:
        began = time.monotonic()
        reading = look(
            _goal(
                fake,
                deadline_s=0.8,
                passport={"snapshot_rung": "rtsp", "rtsp_port": str(stream.port), "stream_path": "/live"},
            )
        )[0]
    assert time.monotonic() - began < 1.3
    assert causes(reading) == {SIGHT: "picture_too_slow"}


def test_a_closed_onvif_port_keeps_no_picture_from_being_seen() -> None:
    with streaming(_stream(scheme="digest")) as stream, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        known = {"snapshot_rung": "rtsp", "rtsp_port": str(stream.port), "stream_path": "/live"}
        reading = look(target(held.getsockname()[1], subject(tiers=HEARTBEAT | PICTURE, passport=known)))[0]
    assert causes(reading) == {ACCESS: "onvif_port_closed", Aspect.CLOCK: "no_reply"}


def test_a_stream_is_in_clear_where_the_pages_are_encrypted_too() -> None:
    with streaming(_stream(scheme="basic")) as stream, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        known = {"snapshot_rung": "rtsp", "rtsp_port": str(stream.port), "stream_path": "/live"}
        goal = target(held.getsockname()[1], subject(tiers=HEARTBEAT | PICTURE, passport=known), scheme="https")
        look(goal)
    assert stream.methods() == ["OPTIONS", "DESCRIBE"]
    assert stream.signed() == []


def test_without_the_decoder_this_way_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "is_available", lambda: False)
    with streaming(_stream()) as stream, serving(_script(stream)) as fake:
        assert causes(look(_goal(fake))[0]) == {SIGHT: "snapshot_missing"}
    assert stream.asked == []
    assert "GetStreamUri" not in fake.names()


# -- the picture itself


def test_a_key_frame_becomes_a_picture_that_is_judged() -> None:
    with streaming(_stream()) as stream, serving(_script(stream)) as fake:
        reading: Reading = look(_goal(fake, deadline_s=5.0))[0]
    assert causes(reading) == {}
    assert reading.picture is not None
    assert (reading.picture.width, reading.picture.height) == (640, 360)


def test_what_is_no_video_is_a_corrupt_picture() -> None:
    found = streams.still("h264", b"\x00\x00\x00\x01".join((b"", *SETS, b"\x65" + bytes(500))))
    assert isinstance(found, Finding)
    assert found.cause == "corrupt"


def test_a_large_picture_is_made_smaller_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_WIDTH", 320)
    found = streams.still("h264", b"\x00\x00\x00\x01".join((b"", *KEY)))
    assert isinstance(found, bytes)
    assert Image.open(io.BytesIO(found)).size == (320, 180)


def test_a_picture_of_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_PIXELS", 1000)
    found = streams.still("h264", b"\x00\x00\x00\x01".join((b"", *KEY)))
    assert isinstance(found, Finding)
    assert found.cause == "corrupt"
