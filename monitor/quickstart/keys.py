"""The secrets of an installation: made on the first run, kept in a file that its owner alone can read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.fernet import Fernet

from monitor.quickstart.layout import write_private

DATABASE_PASSWORD = "QUICKSTART_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
HEADER = "# Made on the first run. They open the camera logins in the database: keep a copy safe.\n"
SECRET_BYTES = 48


class KeysMissing(Exception):
    """The database is there but the keys that open it are not; one line for a person."""


def new_keys(zones: Iterable[str]) -> dict[str, str]:
    """Fresh secrets for a new installation."""
    return {
        "VIEWKEEPER_SECRET_KEY": new_password(),
        "VIEWKEEPER_FIELD_KEYS": Fernet.generate_key().decode(),
        "VIEWKEEPER_ZONE_KEYS": ",".join(f"{zone}={Fernet.generate_key().decode()}" for zone in zones),
        "VIEWKEEPER_SIMULATOR_TOKEN": new_password(),
        DATABASE_PASSWORD: new_password(),
    }


def load(path: Path) -> dict[str, str]:
    """The secrets in the file; empty when there is none. A file that others could read is closed to them."""
    if not path.exists():
        return {}
    path.chmod(0o600)
    pairs = (line.partition("=") for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value for name, _sign, value in pairs}


def make(path: Path, zones: Iterable[str]) -> dict[str, str]:
    """Make the installation's secrets and keep them in the file."""
    made = new_keys(zones)
    write_private(path, HEADER + "".join(f"{name}={value}\n" for name, value in made.items()))
    return made


def new_password() -> str:
    """A long random word."""
    return secrets.token_urlsafe(SECRET_BYTES)
