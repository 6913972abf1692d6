"""Bodies whose framing lies: lengths, chunks, compression, parts, and replies that nobody asked for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping

from monitor.simulator.hostile.acts import (
    JPEG,
    XML,
    always,
    clock,
    clocks,
    device,
    drip,
    envelope,
    flood,
    http,
    moment,
    picture,
    pictures,
)
from monitor.simulator.hostile.stage import Asked, Misbehaviour, Stage

_CHUNKED = http(b"", XML, "Transfer-Encoding: chunked", length="")
# 32 MB of blanks behind an envelope, in 32 kB.
_BOMB = gzip.compress(envelope(b"") + b" " * 32 * 1024 * 1024, compresslevel=1)
_PART = b"--cut\r\nContent-Type: image/jpeg\r\n\r\n"


async def _chunked_picture(stage: Stage, _asked: Asked) -> None:
    """A good picture cut into chunks of one byte."""
    await stage.say(http(b"", JPEG, "Transfer-Encoding: chunked", length=""))
    await stage.say(b"".join(b"1\r\n%c\r\n" % byte for byte in picture()) + b"0\r\n\r\n")


async def _two_replies(stage: Stage, _asked: Asked) -> None:
    """The right time, and at once the answer to a question that was not asked."""
    await stage.say(clock(moment()) + clock(moment(Year=1999)))


async def _parts_without_end(stage: Stage, _asked: Asked) -> None:
    await stage.say(http(b"", "Content-Type: multipart/x-mixed-replace; boundary=cut", length=""))
    await stage.flood(_PART + picture() + b"\r\n")


async def _one_part_without_end(stage: Stage, _asked: Asked) -> None:
    await stage.say(http(b"", "Content-Type: multipart/mixed; boundary=cut", length="") + _PART + picture())
    await stage.linger()


async def _short_length(stage: Stage, _asked: Asked) -> None:
    body = envelope(b"<GetSystemDateAndTimeResponse>" + moment() + b"</GetSystemDateAndTimeResponse>")
    await stage.say(http(body, XML, length="40"))


FRAMING: Mapping[str, Misbehaviour] = {
    # -- lengths
    "body_endless": Misbehaviour(
        "A body without a length and without an end.", always(flood(http(length=""), b"<a/>"))
    ),
    "length_too_large": Misbehaviour(
        "A length larger than the body.", always(http(b"<s:Envelope>", XML, length="9000"))
    ),
    "length_too_small": Misbehaviour("A length smaller than the body.", clocks(_short_length)),
    "length_negative": Misbehaviour("A negative length.", always(http(b"x", length="-5"))),
    "length_two": Misbehaviour("Two lengths that differ.", always(http(b"x" * 9, "Content-Length: 3"))),
    "length_list": Misbehaviour("A length that is a list.", always(http(b"x" * 9, length="9, 3"))),
    "length_1e30": Misbehaviour("A length of 10 to the 30th.", always(http(b"x", length="1" + "0" * 30))),
    "length_1e14": Misbehaviour("A length of 10 to the 14th.", always(http(b"x", length="1" + "0" * 14))),
    "length_unicode": Misbehaviour("A length in digits of another script.", always(http(b"x", length="²"))),
    "length_and_chunks": Misbehaviour(
        "Chunked with a length besides.", always(http(b"zz\r\n", "Transfer-Encoding: chunked", length="4"))
    ),
    "reply_204_body": Misbehaviour("204 with a body behind it.", always(http(b"x" * 500, status="204 No Content"))),
    # -- chunks
    "chunks_endless": Misbehaviour("Chunks without end.", always(flood(_CHUNKED, b"4\r\n<a/>\r\n"))),
    "chunks_of_one": Misbehaviour("Chunks of one byte without end.", always(flood(_CHUNKED, b"1\r\n<\r\n"))),
    "chunk_negative": Misbehaviour("A negative chunk.", always(_CHUNKED + b"-5\r\nabcde\r\n")),
    "chunk_huge": Misbehaviour("A chunk of 16 exabytes.", always(flood(_CHUNKED + b"F" * 16 + b"\r\n", b"<a/>"))),
    "chunk_garbage": Misbehaviour("Chunks that are none.", always(_CHUNKED + b"\x1f\x8b\x08\x00zz\r\n")),
    "chunk_python": Misbehaviour(
        "A size that only a lenient reader takes.", always(_CHUNKED + b"0x_5\r\nabcde\r\n0\r\n\r\n")
    ),
    "chunk_extension_1_mb": Misbehaviour("A chunk extension of 1 MB.", always(_CHUNKED + b"5;" + b"x" * 1_000_000)),
    "chunk_trailer_endless": Misbehaviour("Trailers without end.", always(flood(_CHUNKED + b"0\r\n", b"X: y\r\n"))),
    "chunk_blank_lines": Misbehaviour("Empty lines instead of chunks, without end.", always(flood(_CHUNKED, b"\r\n"))),
    "chunk_drip": Misbehaviour("A chunk a second.", always(drip(_CHUNKED, b"1\r\n<\r\n"))),
    "chunked_picture_of_ones": Misbehaviour("A picture in chunks of one byte.", pictures(_chunked_picture)),
    # -- compression that nobody asked for
    "gzip_bomb": Misbehaviour("32 MB of envelope in 140 kB.", always(http(_BOMB, XML, "Content-Encoding: gzip"))),
    "gzip_bomb_picture": Misbehaviour(
        "32 MB of picture in 140 kB.", pictures(http(_BOMB, JPEG, "Content-Encoding: gzip"))
    ),
    "gzip_garbage": Misbehaviour(
        "Says gzip and is none.", always(http(b"\x1f\x8b" + b"z" * 900, "Content-Encoding: gzip"))
    ),
    "deflate": Misbehaviour(
        "A deflated envelope.", always(http(zlib.compress(envelope(b"")), XML, "Content-Encoding: deflate"))
    ),
    "brotli": Misbehaviour(
        "Says that it is packed in a way that few unpack.", always(http(b"\x8b\x03x", "Content-Encoding: br"))
    ),
    # -- parts
    "multipart_endless": Misbehaviour("A stream of pictures as the snapshot.", pictures(_parts_without_end)),
    "multipart_no_end": Misbehaviour("One part without an end as the snapshot.", pictures(_one_part_without_end)),
    # -- more than was asked for
    "second_reply": Misbehaviour("A second reply behind the first.", device({"GetSystemDateAndTime": _two_replies})),
}
