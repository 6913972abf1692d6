"""Builds ONVIF requests: names and bodies from onvif-zeep's WSDLs, once per operation; the security header each time.

The only module that imports `onvif` and `zeep`, and only when the first request is built (0.4 s). Importing `onvif`
takes over the root logger: that is undone. Its ONVIFCamera, transport and deserialiser are not used.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from monitor.wire import Credential

DEVICE: Final = "devicemgmt"
MEDIA: Final = "media"
RECORDING: Final = "recording"
SEARCH: Final = "search"
MEDIA_NS: Final = "http://www.onvif.org/ver10/media/wsdl"
# Media2 has the same names for what is asked here, and the same parameters but for the transport of a stream;
# onvif-zeep ships no WSDL of it.
MEDIA2_NS: Final = "http://www.onvif.org/ver20/media/wsdl"
_STREAM_SETUP: Final = re.compile(rb"<([\w.-]+):StreamSetup>.*?</\1:StreamSetup>", re.S)
NONCE_BYTES = 16

_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_TOKEN_PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"  # noqa: S105
_MESSAGE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
_HEADER: Final = (
    '<{p}:Header><wsse:Security xmlns:wsse="' + _WSSE + '" xmlns:wsu="' + _WSU + '">'
    "<wsse:UsernameToken><wsse:Username>{user}</wsse:Username>"
    '<wsse:Password Type="' + _TOKEN_PROFILE + '#PasswordDigest">{digest}</wsse:Password>'
    '<wsse:Nonce EncodingType="' + _MESSAGE + '#Base64Binary">{nonce}</wsse:Nonce>'
    "<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security></{p}:Header>"
)
_PLACEHOLDER: Final = "PARAMETER-{}-"
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Operation:
    """An ONVIF operation with the parameters we give it; `fixed` ones never change, `named` ones are filled in."""

    service: str
    name: str
    fixed: tuple[tuple[str, Any], ...] = ()
    named: tuple[str, ...] = ()


CLOCK: Final = Operation(DEVICE, "GetSystemDateAndTime")
INFORMATION: Final = Operation(DEVICE, "GetDeviceInformation")
SERVICES: Final = Operation(DEVICE, "GetServices", fixed=(("IncludeCapability", False),))
CAPABILITIES: Final = Operation(DEVICE, "GetCapabilities", fixed=(("Category", ("All",)),))
PROFILES: Final = Operation(MEDIA, "GetProfiles")
SNAPSHOT: Final = Operation(MEDIA, "GetSnapshotUri", named=("ProfileToken",))
STREAM: Final = Operation(
    MEDIA,
    "GetStreamUri",
    fixed=(("StreamSetup", (("Stream", "RTP-Unicast"), ("Transport", (("Protocol", "RTSP"),)))),),
    named=("ProfileToken",),
)
ENCODERS: Final = Operation(MEDIA, "GetVideoEncoderConfigurations")
OSDS: Final = Operation(MEDIA, "GetOSDs")
AUDIO_OUTPUTS: Final = Operation(MEDIA, "GetAudioOutputs")
AUDIO_CONFIGURATIONS: Final = Operation(MEDIA, "GetAudioOutputConfigurations")
NETWORK: Final = Operation(DEVICE, "GetNetworkInterfaces")
NTP: Final = Operation(DEVICE, "GetNTP")
USERS: Final = Operation(DEVICE, "GetUsers")
HOSTNAME: Final = Operation(DEVICE, "GetHostname")
SCOPES: Final = Operation(DEVICE, "GetScopes")
SUMMARY: Final = Operation(SEARCH, "GetRecordingSummary")
RECORDINGS: Final = Operation(RECORDING, "GetRecordings")
OPERATIONS: Final = (
    CLOCK,
    INFORMATION,
    SERVICES,
    CAPABILITIES,
    PROFILES,
    SNAPSHOT,
    STREAM,
    ENCODERS,
    OSDS,
    AUDIO_OUTPUTS,
    AUDIO_CONFIGURATIONS,
    NETWORK,
    NTP,
    USERS,
    HOSTNAME,
    SCOPES,
    SUMMARY,
    RECORDINGS,
)


@dataclass(frozen=True, slots=True)
class Template:
    """A request as text, cut where the header goes in; `prefix` is the envelope's."""

    before: str
    after: str
    prefix: str
    action: str


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@functools.cache
def _client(service: str) -> tuple[Any, Any]:
    """A zeep client on the shared parsed document of a service, and its binding's operations."""
    with _root_logger_kept():
        import onvif
        from zeep import Client, Settings
        from zeep.transports import Transport
        from zeep.wsdl import Document
    settings = Settings(strict=False, xml_huge_tree=False)
    names = onvif.SERVICES[service]
    path = Path(onvif.__file__).parent.parent / "wsdl" / names["wsdl"]
    transport: Any = Transport()  # type: ignore[no-untyped-call]
    document = Document(str(path), transport, settings=settings)
    client: Any = Client(document, settings=settings, transport=transport)  # type: ignore[no-untyped-call]
    binding = client.create_service("{" + names["ns"] + "}" + names["binding"], "http://device/")
    client._default_service = binding  # zeep asks for it first, and recording.wsdl names no port of its service
    return client, binding


def _unfrozen(value: Any) -> Any:
    """A fixed value as zeep takes it: pairs are a structure, another tuple is a list."""
    if not isinstance(value, tuple):
        return value
    if all(isinstance(item, tuple) for item in value):
        return {name: _unfrozen(item) for name, item in value}
    return list(value)


def _build(operation: Operation) -> Template:
    from lxml import etree

    client, service = _client(operation.service)
    values = {name: _unfrozen(value) for name, value in operation.fixed}
    values |= {name: _PLACEHOLDER.format(name) for name in operation.named}
    message = client.create_message(service, operation.name, **values)
    text = etree.tostring(message, encoding="unicode")
    prefix = message.prefix
    before, cut, after = text.partition(f"<{prefix}:Body")
    action = service._binding._operations[operation.name].soapaction or ""
    return Template(before, cut + after, prefix, action)


@functools.cache
def _cached(operation: Operation) -> Template:
    return _build(operation)


def template(operation: Operation) -> Template:
    """The cached template of an operation; the first call of a process parses the WSDL."""
    with _lock:
        return _cached(operation)


def warm() -> None:
    """Build every template now, so that the first visit does not pay for it."""
    for operation in OPERATIONS:
        template(operation)


def security(prefix: str, credential: Credential, now: datetime) -> str:
    """A WS-UsernameToken with a fresh nonce, created at the device's own time (Hikvision wants the Z)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + created.encode() + credential.password.encode(), usedforsecurity=False).digest()
    return _HEADER.format(
        p=prefix,
        user=escape(credential.username),
        digest=base64.b64encode(digest).decode(),
        nonce=base64.b64encode(nonce).decode(),
        created=created,
    )


def request(
    operation: Operation, params: dict[str, str] | None = None, signed: tuple[Credential, datetime] | None = None
) -> bytes:
    """The body of a request; `signed` is the credential and the device's time."""
    parts = template(operation)
    after = parts.after
    for name, value in (params or {}).items():
        after = after.replace(_PLACEHOLDER.format(name), escape(value))
    header = security(parts.prefix, *signed) if signed else ""
    return (parts.before + header + after).encode()


def content_type(operation: Operation) -> str:
    """SOAP 1.2 names the action in the content type."""
    return f'application/soap+xml; charset=utf-8; action="{template(operation).action}"'


def as_media2(body: bytes) -> bytes:
    """The same request for a device that offers only Media2."""
    body = _STREAM_SETUP.sub(rb"<\1:Protocol>RtspUnicast</\1:Protocol>", body)
    return body.replace(MEDIA_NS.encode(), MEDIA2_NS.encode())
