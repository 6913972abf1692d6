"""Free ports: the wanted one, else the next that nobody has."""

from __future__ import annotations

import socket

TRIED = 100  # ports after the wanted one before we give up


class NoPort(Exception):
    """No free port near the wanted one; one line for a person."""


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    try:
        hold(host, port).close()
    except OSError:
        return False
    return True


def first_free(host: str, wanted: int) -> int:
    """The wanted port if it is free, else the next one that is."""
    for port in range(wanted, min(wanted + TRIED, 65_536)):
        if is_free(host, port):
            return port
    raise NoPort(f"no free port from {wanted} on at {host}; choose another with PORT=")


def hold(host: str, port: int) -> socket.socket:
    """Keep a port for a server that starts later. Raises OSError where somebody listens already.

    Until the socket is closed the kernel gives the port to nobody who asks for any, nor to an outgoing connection. A
    server that names it with SO_REUSEADDR, as asyncio and gunicorn do, may listen there (so on Linux).
    """
    held = socket.socket(_family(host), socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held


def any_free(host: str = "127.0.0.1") -> int:
    """A port that the kernel says is free."""
    with socket.socket() as trial:
        trial.bind((host, 0))
        port: int = trial.getsockname()[1]
    return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
