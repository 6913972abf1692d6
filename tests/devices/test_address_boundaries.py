"""Addresses right at the edge of what may be dialled."""

from __future__ import annotations

import ipaddress

import pytest

from devices.addresses import AddressRefused, check


def refusal(text: str, *, loopback: bool = False) -> str:
    """Why an address is refused, "" where it is not."""
    try:
        check(ipaddress.ip_address(text), loopback=loopback)
    except AddressRefused as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.255.255.255", "unspecified"),
        ("1.0.0.0", ""),
        ("126.255.255.255", ""),
        ("127.0.0.0", "loopback"),
        ("127.255.255.255", "loopback"),
        ("128.0.0.0", ""),
        ("223.255.255.255", ""),
        ("224.0.0.0", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.0", "reserved"),
        ("255.255.255.254", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("169.253.255.255", ""),
        ("169.254.0.0", "link_local"),
        ("169.255.0.0", ""),
        ("100.100.100.199", ""),
        ("100.100.100.200", "metadata"),
        ("100.100.100.201", ""),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "unspecified"),
        ("::7f00:1", "loopback"),
        ("::a00:1", ""),
        ("::1:0:0:1", ""),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a00:1", ""),
        ("64:ff9b:1::7f00:1", "loopback"),
        ("64:ff9b:1:ffff:ffff:ffff:a9fe:a9fe", "metadata"),
        ("64:ff9b:1::a00:1", ""),
        ("64:ff9b:2::7f00:1", ""),
        ("::ffff:0:7f00:1", "loopback"),
        ("::ffff:0:a9fe:a9fe", "metadata"),
        ("::ffff:0:a00:1", ""),
        ("::fffe:0:7f00:1", ""),
        ("fd00:ec2::254%1", "link_local"),
        ("fd00::1%eth0", "link_local"),
        ("2002:7f00:1::", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("fe80::1", "link_local"),
        ("fec0::1", ""),
        ("ff02::1", "multicast"),
        ("fd00::1", ""),
    ],
)
def test_the_edges_of_what_may_be_dialled(text: str, reason: str) -> None:
    assert refusal(text) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.0", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("64:ff9b::7f00:1", "not_loopback"),
        ("2002:7f00:1::", "not_loopback"),
        ("10.0.0.1", "not_loopback"),
        ("0.0.0.0", "unspecified"),
        ("::1%1", "link_local"),
        ("::ffff:0:7f00:1", "not_loopback"),
    ],
)
def test_a_demo_device_is_on_this_machine_and_nowhere_else(text: str, reason: str) -> None:
    assert refusal(text, loopback=True) == reason
