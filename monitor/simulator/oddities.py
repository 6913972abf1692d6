"""What broken firmware makes of a good SOAP reply: bytes in, worse bytes out, one entry per fault of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from monitor.simulator.faults import Faults, text

_UTC = re.compile(rb"<tt:UTCDateTime>.*?</tt:UTCDateTime>", re.S)
_TZ = re.compile(rb"(?<=<tt:TZ>)[^<]*")
_XADDR_PATH = re.compile(rb"(<tt:XAddr>|<tds:XAddr>)(http://[^/<]*)/[^<]*")
_URI = re.compile(rb"(?<=<tt:Uri>)http://")
_MAKER = re.compile(rb"(?<=<tds:Manufacturer>)[^<]*")
_SCHEMA = b' xmlns:tt="http://www.onvif.org/ver10/schema"'
_DECLARATION = b'encoding="UTF-8"'
# A maker's name that no ASCII has.
HAIKANG = "海康威视"

Spoil = Callable[[bytes, str], bytes]


def _local_only(body: bytes, _value: str) -> bytes:
    return _UTC.sub(b"", body)


def _tz(body: bytes, value: str) -> bytes:
    return _TZ.sub(value.encode(), body)


def _pathless(body: bytes, _value: str) -> bytes:
    return _XADDR_PATH.sub(rb"\1\2", body)


def _uri_with_login(body: bytes, value: str) -> bytes:
    return _URI.sub(f"http://{value}@".encode(), body)


def _no_uri(body: bytes, _value: str) -> bytes:
    return re.sub(rb"<trt:MediaUri>.*?</trt:MediaUri>", b"", body, flags=re.S)


def _bad_utf8(body: bytes, _value: str) -> bytes:
    return _MAKER.sub(b"Mak\xff\xfeer", body)


def _undeclared(body: bytes, _value: str) -> bytes:
    return body.replace(_SCHEMA, b"")


def _other_namespace(body: bytes, _value: str) -> bytes:
    return body.replace(b"ver10/schema", b"ver10/schema/v2")


def _charset(body: bytes, value: str) -> bytes:
    """The reply in another character set, as declared, with a maker's name that needs it."""
    named = _MAKER.sub(HAIKANG.encode(), body).replace(_DECLARATION, f'encoding="{value}"'.encode())
    return named.decode().encode(value)


def _empty(_body: bytes, _value: str) -> bytes:
    return b""


SPOILERS: Mapping[str, Spoil] = {
    "clock_local_only": _local_only,
    "clock_tz": _tz,
    "xaddr_pathless": _pathless,
    "uri_with_login": _uri_with_login,
    "uri_missing": _no_uri,
    "soap_bad_utf8": _bad_utf8,
    "soap_undeclared": _undeclared,
    "soap_namespace": _other_namespace,
    "soap_charset": _charset,
    "soap_empty": _empty,
}


def spoil(body: bytes, faults: Faults) -> bytes:
    """A reply as a device with these faults sends it."""
    for name, how in SPOILERS.items():
        if name in faults:
            body = how(body, text(faults, name))
    return body
