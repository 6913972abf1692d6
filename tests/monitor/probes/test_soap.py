"""Requests: bodies from the WSDLs, the security header by the profile, nothing of onvif-zeep's side effects."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime

from lxml import etree

from monitor.probes import soap
from monitor.wire import Credential

AT = datetime(2026, 11, 23, 12, 0, 5, 999, tzinfo=UTC)


def _texts(request: bytes) -> dict[str, str]:
    return {etree.QName(one).localname: (one.text or "") for one in etree.fromstring(request).iter()}


def test_every_operation_is_a_soap_12_envelope() -> None:
    for operation in soap.OPERATIONS:
        root = etree.fromstring(soap.request(operation, dict.fromkeys(operation.named, "x")))
        assert root.tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"
        assert operation.name in _texts(etree.tostring(root))


def test_parameters_are_filled_in_and_escaped() -> None:
    assert _texts(soap.request(soap.SNAPSHOT, {"ProfileToken": "a<&b"}))["ProfileToken"] == "a<&b"
    assert _texts(soap.request(soap.CAPABILITIES))["Category"] == "All"


def test_without_a_credential_there_is_no_header() -> None:
    assert "Security" not in _texts(soap.request(soap.CLOCK))


def test_the_token_is_a_digest_over_nonce_time_and_password() -> None:
    texts = _texts(soap.request(soap.PROFILES, None, (Credential("a&b", "p<w"), AT)))
    assert texts["Username"] == "a&b"
    assert texts["Created"] == "2026-11-23T12:00:05Z"
    expected = hashlib.sha1(base64.b64decode(texts["Nonce"]) + b"2026-11-23T12:00:05Z" + b"p<w")
    assert texts["Password"] == base64.b64encode(expected.digest()).decode()
    assert "GetProfiles" in texts


def test_a_nonce_is_never_used_twice() -> None:
    signed = (Credential("u", "p"), AT)
    nonces = {_texts(soap.request(soap.CLOCK, None, signed))["Nonce"] for _ in range(20)}
    assert len(nonces) == 20
    assert all(len(base64.b64decode(nonce)) == soap.NONCE_BYTES for nonce in nonces)


def test_the_action_is_in_the_content_type() -> None:
    assert soap.content_type(soap.CLOCK) == (
        'application/soap+xml; charset=utf-8; action="http://www.onvif.org/ver10/device/wsdl/GetSystemDateAndTime"'
    )


def test_media2_differs_by_its_namespace() -> None:
    request = soap.as_media2(soap.request(soap.PROFILES))
    assert soap.MEDIA2_NS.encode() in request
    assert soap.MEDIA_NS.encode() not in request


def test_the_root_logger_and_the_proxy_are_left_alone() -> None:
    program = (
        "import logging, os; from monitor.probes import soap; soap.warm();"
        "print(logging.getLogger().handlers, logging.getLogger().level, os.environ.get('http_proxy'))"
    )
    environment = {**os.environ, "http_proxy": "http://proxy:1"}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] 30 http://proxy:1"
    assert said.stderr == ""


def test_the_probes_load_neither_django_nor_celery() -> None:
    program = (
        "import sys; import monitor.probes.cli, monitor.probes.runner;"
        "print([name for name in ('django', 'celery', 'zeep', 'onvif') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
