"""Free ports: the wanted one, else the next that nobody has."""

from __future__ import annotations

import socket

TRIED = 100  # ports after the wanted one before we give up


class NoPort(Exception):
    """No free port near the wanted one; one line for a person."""


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True


def first_free(host: str, wanted: int) -> int:
    """The wanted port if it is free, else the next one that is."""
    for port in range(wanted, min(wanted + TRIED, 65_536)):
        if is_free(host, port):
            return port
    raise NoPort(f"no free port from {wanted} on at {host}; choose another with PORT=")


def any_free(host: str = "127.0.0.1") -> int:
    """A port that the kernel says is free."""
    with socket.socket() as trial:
        trial.bind((host, 0))
        port: int = trial.getsockname()[1]
    return port
