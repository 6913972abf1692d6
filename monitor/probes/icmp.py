"""ICMP echo without root: by the datagram socket that Linux opens to the groups of net.ipv4.ping_group_range."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import secrets
import socket
import struct
from typing import Final

from devices.addresses import IPAddress
from monitor.probes.failure import Late, LinkDown

# A round trip in a city takes milliseconds, one over a tired wireless bridge a second.
ANSWER_S: Final = 2.0
ECHOES: Final = 2
TOKEN_BYTES: Final = 16
_HEADER: Final = struct.Struct("!BBHHH")
# Types of the request and of its reply (RFC 792, RFC 4443).
_ECHO: Final = {4: (8, 0), 6: (128, 129)}
_LARGEST_REPLY: Final = 2048
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT})


class NotAllowed(Exception):
    """The kernel does not let this process send an echo."""


def _open(address: IPAddress) -> socket.socket:
    six = isinstance(address, ipaddress.IPv6Address)
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
    except OSError as exc:
        if exc.errno in _FORBIDDEN:
            raise NotAllowed from None
        raise Late from None
    sock.setblocking(False)
    return sock


class Echo:
    """Echoes to one address over one socket; the kernel gives them their identifier and sum."""

    def __init__(self, address: IPAddress) -> None:
        self._address = address
        self._kinds = _ECHO[address.version]
        self._sequence = 0
        self._socket = _open(address)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    async def ask(self, until: float) -> float:
        """Seconds until the reply to one echo; raise `LinkDown` where none comes before `until` or there is no way."""
        loop = asyncio.get_running_loop()
        began, token = loop.time(), secrets.token_bytes(TOKEN_BYTES)
        self._sequence += 1
        packet = _HEADER.pack(self._kinds[0], 0, 0, 0, self._sequence) + token
        try:
            async with asyncio.timeout_at(min(until, began + ANSWER_S)):
                self._socket.connect((str(self._address), 0))  # of a datagram socket: nothing is sent or waited for
                await loop.sock_sendall(self._socket, packet)
                while not self._is_reply(await loop.sock_recv(self._socket, _LARGEST_REPLY), token):
                    pass
        except TimeoutError:
            raise LinkDown("no_answer") from None
        except OSError as exc:
            raise LinkDown("no_route" if exc.errno == errno.ENETUNREACH else "no_answer") from None
        return loop.time() - began

    def _is_reply(self, data: bytes, token: bytes) -> bool:
        return len(data) >= _HEADER.size and data[0] == self._kinds[1] and data[_HEADER.size :] == token
