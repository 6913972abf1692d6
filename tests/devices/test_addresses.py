"""What may be dialled, what a host looks like, and how an address is shown without its secrets."""

from __future__ import annotations

import ipaddress

import pytest

from devices import addresses

REFUSED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "ff02::1": "multicast",
    "169.254.1.1": "link_local",
    "fe80::1": "link_local",
    "169.254.169.254": "metadata",
    "fd00:ec2::254": "metadata",
    "100.100.100.200": "metadata",
    "255.255.255.255": "broadcast",
    "240.0.0.1": "reserved",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "metadata",
    "::ffff:0.0.0.0": "unspecified",
    "::ffff:224.0.0.1": "multicast",
    "::ffff:255.255.255.255": "broadcast",
    "::ffff:169.254.1.1": "link_local",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "metadata",
    "2002:7f00:1::": "loopback",
    "::7f00:1": "loopback",
}
ALLOWED = [
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.64",
    "8.8.8.8",
    "100.64.0.1",
    "223.255.255.254",
    "fd00::1",
    "2001:db8::1",
    "::ffff:192.168.1.64",
    "128.0.0.1",
    "126.255.255.255",
]


def _reason(text: str, *, loopback: bool) -> str:
    with pytest.raises(addresses.AddressRefused) as caught:
        addresses.check(ipaddress.ip_address(text), loopback=loopback)
    assert str(caught.value) == addresses.REASONS[caught.value.reason]
    return caught.value.reason


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_is_refused_for_a_real_device(text: str, reason: str) -> None:
    assert _reason(text, loopback=False) == reason


@pytest.mark.parametrize("text", ALLOWED)
def test_may_be_dialled_but_not_as_a_demo(text: str) -> None:
    addresses.check(ipaddress.ip_address(text), loopback=False)
    assert _reason(text, loopback=True) == "not_loopback"


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_a_demo_device_is_on_this_machine(text: str) -> None:
    addresses.check(ipaddress.ip_address(text), loopback=True)


@pytest.mark.parametrize("text", ["2002:7f00:1::", "64:ff9b::7f00:1"])
def test_a_tunnel_that_carries_loopback_leads_elsewhere(text: str) -> None:
    assert _reason(text, loopback=True) == "not_loopback"


def test_the_demo_exception_opens_nothing_else() -> None:
    assert _reason("169.254.169.254", loopback=True) == "metadata"


def test_the_first_allowed_of_several_addresses_is_taken() -> None:
    found = [ipaddress.ip_address(text) for text in ("127.0.0.1", "10.0.0.5", "10.0.0.6")]
    assert addresses.first_allowed(found, loopback=False) == ipaddress.ip_address("10.0.0.5")


def test_no_address_at_all_is_refused() -> None:
    with pytest.raises(addresses.AddressRefused, match="no host"):
        addresses.first_allowed([], loopback=False)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" 192.168.1.64 ", "192.168.1.64"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("Camera-7.Local.", "camera-7.local"),
        ("cam_7", "cam_7"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("a" * 63, "a" * 63),
    ],
)
def test_hosts_have_a_normal_form(typed: str, normal: str) -> None:
    assert addresses.check_host(typed) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "192.168.1",
        "192.168.1.256",
        "1",
        "2130706433",
        "0x7f000001",
        "127.0x1",
        "a b",
        "-a",
        "a-",
        "a..b",
        "http://x",
        "x:80",
        "[::1",
        "::1:80:zz",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "é" * 80,
    ],
)
def test_what_is_no_host_is_told(typed: str) -> None:
    with pytest.raises(addresses.HostInvalid) as caught:
        addresses.check_host(typed)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("typed", ["localhost", "x.localhost", "127.0.0.1", "::1"])
def test_the_platform_itself_is_no_device(typed: str) -> None:
    with pytest.raises(addresses.AddressRefused):
        addresses.check_host(typed)
    assert addresses.check_host(typed, loopback=True) == typed


def test_a_demo_form_takes_no_real_address() -> None:
    with pytest.raises(addresses.AddressRefused):
        addresses.check_host("192.168.1.64", loopback=True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/x", "http://h/x"),
        ("http://admin:s3cret@h:80/x", "http://h:80/x"),
        ("http://admin@h/x", "http://h/x"),
        ("rtsp://admin:s3/cr#et?@h/x", "rtsp://h/x"),
        ("http://h:80/a@b", "http://h:80/a@b"),
        ("http://h/snap?channel=1&user=admin&password=s3cret", "http://h/snap?channel=1&user=***&password=***"),
        ("http://h/snap?PWD=s3cret&x=2", "http://h/snap?PWD=***&x=2"),
        ("http://h/snap?password=s3/cr&x=2#top", "http://h/snap?password=***&x=2#top"),
        ("/user=admin_password=s3cret_channel=1_stream=0.sdp", "/user=***_password=***_channel=1_stream=0.sdp"),
        ("/snap?monkey=1&keyframe=2", "/snap?monkey=1&keyframe=2"),
        ("password=s3cret", "password=***"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert addresses.redact(url) == shown
