"""What a virtual device answers over ONVIF: one literal table of operations, and the faults.

Only reading operations exist, Media1 as well as the device service, and what a recorder has recorded; everything else
is ActionNotSupported. Namespaces as in the ONVIF specifications of Core, Media, Recording and Search (ver10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

from monitor.simulator.auth import UsernameToken

ENVELOPE_NS = "http://www.w3.org/2003/05/soap-envelope"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<s:Envelope xmlns:s="{ENVELOPE_NS}" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:trc="http://www.onvif.org/ver10/recording/wsdl" xmlns:tse="http://www.onvif.org/ver10/search/wsdl" '
    'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>'
)
_TAIL = "</s:Body></s:Envelope>"
DEVICE_PATH = "/onvif/device_service"
MEDIA_PATH = "/onvif/media_service"
RECORDING_PATH = "/onvif/recording_service"
SEARCH_PATH = "/onvif/search_service"
OTHER_PATHS = (MEDIA_PATH, RECORDING_PATH, SEARCH_PATH)
STORED_DAYS = 30
STREAM_PORT = 554
FPS = 25
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A SOAP request: the operation's local name, its profile token if any, and its login."""

    operation: str
    profile: str
    token: UsernameToken | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a device knows about itself when it answers. `address` is host:port as the device tells it.

    `utc` and `local` are what its clock shows; `profiles` maps a profile's token to its name; `label` is the text in
    its picture; `records` says that it keeps recordings, `loudspeakers` how many can be connected.
    """

    address: str
    host: str
    name: str
    manufacturer: str
    model: str
    firmware: str
    serial: str
    utc: datetime
    local: datetime
    profiles: Mapping[str, str]
    size: tuple[int, ...]
    label: str
    username: str
    snapshot_path: str
    records: bool = False
    loudspeakers: int = 0


class BadCallError(ValueError):
    """The request is no SOAP request that could be understood."""


def parse_call(body: bytes) -> Call:
    """Read a request by local names; raises `BadCallError`."""
    try:
        root = etree.fromstring(body, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadCallError(str(error)) from None
    wrapper = _child(root, "Body")
    if wrapper is None or _local(root) != "Envelope":
        raise BadCallError("no body")
    operation = next((child for child in wrapper if isinstance(child.tag, str)), None)
    if operation is None:
        raise BadCallError("no operation")
    return Call(_local(operation), _text(operation, "ProfileToken"), _token(_child(root, "Header")))


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _child(node: etree._Element | None, name: str) -> etree._Element | None:
    if node is None:
        return None
    return next((child for child in node if _local(child) == name), None)


def _text(node: etree._Element | None, name: str) -> str:
    child = _child(node, name)
    return (child.text or "").strip() if child is not None else ""


def _token(header: etree._Element | None) -> UsernameToken | None:
    node = _child(_child(header, "Security"), "UsernameToken")
    if node is None:
        return None
    password = _child(node, "Password")
    kind = password.get("Type", "") if password is not None else ""
    return UsernameToken(
        _text(node, "Username"), _text(node, "Password"), kind, _text(node, "Nonce"), _text(node, "Created")
    )


def fault(code: str, reason: str, *, sender: bool = True) -> bytes:
    """A SOAP 1.2 fault; `code` is the subcode without its prefix, such as NotAuthorized."""
    outer = "Sender" if sender else "Receiver"
    return (
        f"{_HEAD}<s:Fault><s:Code><s:Value>s:{outer}</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>{_TAIL}'
    ).encode()


def reply(call: Call, facts: Facts) -> bytes | None:
    """The reply to a call, or None when the operation is not supported."""
    build = REPLIES.get(call.operation) or _optional(facts).get(call.operation)
    if build is None:
        return None
    prefix = _PREFIXES.get(call.operation, "trt" if call.operation in MEDIA_OPERATIONS else "tds")
    name = f"{prefix}:{call.operation}Response"
    return f"{_HEAD}<{name}>{build(facts, call)}</{name}>{_TAIL}".encode()


def _clock(facts: Facts, _call: Call) -> str:
    return (
        "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
        f"<tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone>{_instant('UTCDateTime', facts.utc)}"
        f"{_instant('LocalDateTime', facts.local)}</tds:SystemDateAndTime>"
    )


def _instant(name: str, at: datetime) -> str:
    return (
        f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute>"
        f"<tt:Second>{at.second}</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year>"
        f"<tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date></tt:{name}>"
    )


def _information(facts: Facts, _call: Call) -> str:
    values = {
        "Manufacturer": facts.manufacturer,
        "Model": facts.model,
        "FirmwareVersion": facts.firmware,
        "SerialNumber": facts.serial,
        "HardwareId": facts.model,
    }
    return "".join(f"<tds:{name}>{escape(value)}</tds:{name}>" for name, value in values.items())


def _capabilities(facts: Facts, _call: Call) -> str:
    recorder = (
        f"<tt:Extension><tt:Recording><tt:XAddr>{_url(facts, RECORDING_PATH)}</tt:XAddr></tt:Recording>"
        f"<tt:Search><tt:XAddr>{_url(facts, SEARCH_PATH)}</tt:XAddr></tt:Search></tt:Extension>"
    )
    return (
        "<tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{_url(facts, DEVICE_PATH)}</tt:XAddr></tt:Device>"
        f"<tt:Media><tt:XAddr>{_url(facts, MEDIA_PATH)}</tt:XAddr></tt:Media>{recorder if facts.records else ''}"
        "</tds:Capabilities>"
    )


def _url(facts: Facts, path: str) -> str:
    return escape(f"http://{facts.address}{path}")


def _services(facts: Facts, _call: Call) -> str:
    version = "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version>"
    services = {"device": DEVICE_PATH, "media": MEDIA_PATH}
    if facts.records:
        services |= {"recording": RECORDING_PATH, "search": SEARCH_PATH}
    return "".join(
        f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
        f"<tds:XAddr>{_url(facts, path)}</tds:XAddr>{version}</tds:Service>"
        for name, path in services.items()
    )


def _profiles(facts: Facts, _call: Call) -> str:
    return "".join(
        f'<trt:Profiles token="{escape(token)}" fixed="true"><tt:Name>{escape(name)}</tt:Name>'
        f"{_source(facts, token)}<tt:VideoEncoderConfiguration {_encoder_body(facts, token)}"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
        for token, name in facts.profiles.items()
    )


def _source(facts: Facts, token: str) -> str:
    width, height = facts.size
    return (
        f'<tt:VideoSourceConfiguration token="source_{escape(token)}"><tt:Name>{escape(token)}</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:SourceToken>video_{escape(token)}</tt:SourceToken>"
        f'<tt:Bounds x="0" y="0" width="{width}" height="{height}"/></tt:VideoSourceConfiguration>'
    )


def _encoder_body(facts: Facts, token: str) -> str:
    """The rest of an encoder configuration's opening tag, and what it holds."""
    width, height = facts.size
    return (
        f'token="encoder_{escape(token)}"><tt:Name>{escape(token)}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
        f"</tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>{FPS}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>"
        f"<tt:H264><tt:GovLength>{2 * FPS}</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
    )


def _encoders(facts: Facts, _call: Call) -> str:
    return "".join(
        f"<trt:Configurations {_encoder_body(facts, token)}</trt:Configurations>" for token in facts.profiles
    )


def _media_uri(address: str) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{escape(address)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri>"
    )


def _snapshot(facts: Facts, call: Call) -> str:
    return _media_uri(f"http://{facts.address}{facts.snapshot_path}?{_profile(facts, call)}")


def _stream(facts: Facts, call: Call) -> str:
    return _media_uri(f"rtsp://{facts.host}:{STREAM_PORT}/{_profile(facts, call)}")


def _profile(facts: Facts, call: Call) -> str:
    return call.profile if call.profile in facts.profiles else next(iter(facts.profiles))


def _ntp(_facts: Facts, _call: Call) -> str:
    return (
        "<tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP><tt:NTPManual><tt:Type>DNS</tt:Type>"
        "<tt:DNSname>ntp.example</tt:DNSname></tt:NTPManual></tds:NTPInformation>"
    )


def _network(facts: Facts, _call: Call) -> str:
    return (
        '<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>'
        f"<tt:HwAddress>{_mac(facts.serial)}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info><tt:IPv4><tt:Enabled>true"
        f"</tt:Enabled><tt:Config><tt:Manual><tt:Address>{escape(facts.host)}</tt:Address><tt:PrefixLength>24"
        "</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces>"
    )


def _mac(serial: str) -> str:
    """An address of the locally administered kind, so that it is nobody's, different for each serial number."""
    tail = serial.encode().hex()[-10:].rjust(10, "0")
    return ":".join(["02", *(tail[i : i + 2] for i in range(0, 10, 2))])


def _users(facts: Facts, _call: Call) -> str:
    return (
        f"<tds:User><tt:Username>{escape(facts.username)}</tt:Username><tt:UserLevel>Administrator</tt:UserLevel>"
        "</tds:User>"
    )


def _osds(facts: Facts, _call: Call) -> str:
    texts = {
        "osd_time": "<tt:Type>DateAndTime</tt:Type><tt:DateFormat>yyyy-MM-dd</tt:DateFormat>"
        "<tt:TimeFormat>HH:mm:ss</tt:TimeFormat>",
        "osd_name": f"<tt:Type>Plain</tt:Type><tt:PlainText>{escape(facts.label)}</tt:PlainText>",
    }
    source = f"source_{escape(next(iter(facts.profiles)))}"
    return "".join(
        f'<trt:OSDs token="{token}"><tt:VideoSourceConfigurationToken>{source}</tt:VideoSourceConfigurationToken>'
        f"<tt:Type>Text</tt:Type><tt:Position><tt:Type>Custom</tt:Type></tt:Position><tt:TextString>{body}"
        "</tt:TextString></trt:OSDs>"
        for token, body in texts.items()
    )


def _hostname(facts: Facts, _call: Call) -> str:
    return (
        "<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"<tt:Name>{escape(facts.name)}</tt:Name></tds:HostnameInformation>"
    )


def _scopes(facts: Facts, _call: Call) -> str:
    scopes = ("type/video_encoder", "Profile/Streaming", f"hardware/{facts.model}", f"name/{facts.manufacturer}")
    return "".join(
        "<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>"
        f"<tt:ScopeItem>onvif://www.onvif.org/{escape(scope)}</tt:ScopeItem></tds:Scopes>"
        for scope in scopes
    )


def _video_sources(facts: Facts, _call: Call) -> str:
    width, height = facts.size
    return "".join(
        f'<trt:VideoSources token="video_{escape(token)}"><tt:Framerate>{FPS}</tt:Framerate><tt:Resolution>'
        f"<tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution></trt:VideoSources>"
        for token in facts.profiles
    )


def _audio_outputs(facts: Facts, _call: Call) -> str:
    return "".join(f'<trt:AudioOutputs token="audio_{number}"/>' for number in range(1, facts.loudspeakers + 1))


def _summary(facts: Facts, _call: Call) -> str:
    oldest = facts.utc - timedelta(days=STORED_DAYS)
    return (
        f"<tse:Summary><tt:DataFrom>{oldest:%Y-%m-%dT%H:%M:%SZ}</tt:DataFrom><tt:DataUntil>{facts.utc:%Y-%m-%dT%H:%M:%SZ}"
        f"</tt:DataUntil><tt:NumberRecordings>{len(facts.profiles)}</tt:NumberRecordings></tse:Summary>"
    )


def _recordings(facts: Facts, _call: Call) -> str:
    return "".join(
        f"<trc:RecordingItem><tt:RecordingToken>recording_{escape(token)}</tt:RecordingToken></trc:RecordingItem>"
        for token in facts.profiles
    )


_Build = Callable[[Facts, Call], str]
_MEDIA: Mapping[str, _Build] = {
    "GetProfiles": _profiles,
    "GetSnapshotUri": _snapshot,
    "GetStreamUri": _stream,
    "GetVideoEncoderConfigurations": _encoders,
    "GetVideoSources": _video_sources,
    "GetOSDs": _osds,
}
MEDIA_OPERATIONS = frozenset(_MEDIA)
REPLIES: Mapping[str, _Build] = {
    "GetSystemDateAndTime": _clock,
    "GetDeviceInformation": _information,
    "GetCapabilities": _capabilities,
    "GetServices": _services,
    "GetNTP": _ntp,
    "GetNetworkInterfaces": _network,
    "GetUsers": _users,
    "GetHostname": _hostname,
    "GetScopes": _scopes,
    **_MEDIA,
}
# What only some devices answer, and in which namespace; what the others say instead.
_OF_RECORDERS: Mapping[str, _Build] = {"GetRecordingSummary": _summary, "GetRecordings": _recordings}
_OF_LOUDSPEAKERS: Mapping[str, _Build] = {"GetAudioOutputs": _audio_outputs}
_PREFIXES: Mapping[str, str] = {"GetRecordingSummary": "tse", "GetRecordings": "trc", "GetAudioOutputs": "trt"}
UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "GetAudioOutputs": ("AudioOutputNotSupported", "The device does not support audio output"),
}


def _optional(facts: Facts) -> Mapping[str, _Build]:
    return {**(_OF_RECORDERS if facts.records else {}), **(_OF_LOUDSPEAKERS if facts.loudspeakers else {})}
