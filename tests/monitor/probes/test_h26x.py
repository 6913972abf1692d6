"""Key frames out of RTP packets."""

from __future__ import annotations

import random

import pytest

from monitor.probes import h26x, rtsp
from monitor.probes.h26x import H264, H265, Collector, Packet

SPS, PPS, KEY, SLICE = b"\x67sps", b"\x68pps", b"\x65key frame", b"\x41slice"


def _frame(*units: bytes) -> bytes:
    return b"".join(h26x.START + unit for unit in units)


def test_a_picture_before_the_first_key_frame_is_dropped() -> None:
    collector = Collector(H264, [SPS, PPS])
    assert collector.add(Packet(True, 1, SLICE)) is None
    assert collector.add(Packet(True, 2, KEY)) == _frame(SPS, PPS, KEY)


def test_the_stream_s_own_parameter_sets_replace_those_of_the_description() -> None:
    collector = Collector(H264, [b"\x67old"])
    for unit in (SPS, PPS):
        assert collector.add(Packet(False, 1, unit)) is None
    assert collector.add(Packet(True, 1, KEY)) == _frame(SPS, PPS, KEY)


def test_aggregates_are_split() -> None:
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS, KEY))
    assert Collector(H264).add(Packet(True, 1, b"\x78" + body)) == _frame(SPS, PPS, KEY)


def test_fragments_are_joined() -> None:
    collector = Collector(H264)
    assert collector.add(Packet(False, 1, b"\x7c\x85key")) is None
    assert collector.add(Packet(False, 1, b"\x7c\x05 fra")) is None
    assert collector.add(Packet(True, 1, b"\x7c\x45me")) == _frame(KEY)


def test_a_fragment_whose_start_was_missed_is_no_unit() -> None:
    collector = Collector(H264)
    assert collector.add(Packet(True, 1, b"\x7c\x45me")) is None


def test_a_picture_without_a_mark_ends_with_the_next_one() -> None:
    collector = Collector(H264)
    assert collector.add(Packet(False, 1, KEY)) is None
    assert collector.add(Packet(False, 2, SLICE)) == _frame(KEY)


def test_h265_has_headers_of_two_bytes() -> None:
    vps, key = b"\x40\x01vps", b"\x26\x01key frame"
    collector = Collector(H265, [vps])
    assert collector.add(Packet(False, 1, b"\x62\x01\x93key")) is None
    assert collector.add(Packet(True, 1, b"\x62\x01\x53 frame")) == _frame(vps, key)


def test_rtp_packets_with_extension_contributors_and_padding() -> None:
    header = b"\xb1\xe0\x00\x01" + (7).to_bytes(4, "big") + bytes(4)
    packet = h26x.rtp(header + bytes(4) + b"\xbe\xde\x00\x01" + bytes(4) + b"data" + b"\x00\x02")
    assert packet == Packet(True, 7, b"data")


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x00" * 20, b"\x80" + bytes(11), b"\x90" + bytes(12)])
def test_what_is_no_rtp_packet(data: bytes) -> None:
    assert h26x.rtp(data) is None


def test_parameter_sets_of_a_description() -> None:
    assert h26x.sets_of("packetization-mode=1; sprop-parameter-sets=Z3Nwcw==,aHBwcw==") == [SPS, PPS]
    assert h26x.sets_of("sprop-vps=QAE=;sprop-sps=!;x=Z3Nwcw==") == [b"\x40\x01"]


def test_the_first_video_of_a_description() -> None:
    text = (
        "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:a\r\nm=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=control:v\r\n"
    )
    track = rtsp.video(text)
    assert track is not None
    assert (track.codec, track.control) == (H265, "v")
    assert rtsp.video(text.replace("H265", "JPEG")) is None
    assert rtsp.video("") is None


def test_noise_makes_no_crash() -> None:
    chance = random.Random(5)
    for codec in (H264, H265):
        collector = Collector(codec)
        for _ in range(2000):
            packet = h26x.rtp(b"\x80" + chance.randbytes(chance.randrange(40)))
            if packet is not None:
                collector.add(packet)
        assert sum(map(len, collector._units)) < 100_000
