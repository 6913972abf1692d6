"""Typed readers of the environment: nonsense is refused with one clear line, and no secret is ever repeated in it.

Each reader takes the variable's name and its default, and raises `SettingError` naming the variable, what is wrong
with its value and what is expected. A variable that is set but empty counts as not set.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult, parse_qsl, unquote, urlparse

from cryptography.fernet import Fernet

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
WRONG_USAGE = 2  # the exit code of a refused setting, as of a wrong command line
MIN_SECRET = 50  # characters; what `check --deploy` asks of SECRET_KEY (security.W009)
MAX_PORT = 65_535
ZONE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

# What libpq understands beside the address and may be given after "?" in DATABASE_URL.
DATABASE_OPTIONS = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "target_session_attrs"}
)
MAIL_SCHEMES: Mapping[str, int] = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
# Without these nothing that serves starts.
TO_SERVE = ("VIEWKEEPER_SECRET_KEY", "VIEWKEEPER_FIELD_KEYS", "VIEWKEEPER_ZONE_KEYS", "DATABASE_URL", "REDIS_URL")


class SettingError(Exception):
    """A variable that cannot be used: its name, what is wrong, what is expected; never the value of a secret."""

    def __init__(self, name: str, problem: str, expected: str) -> None:
        self.name = name
        super().__init__(f"{name}: {problem}; expected {expected}")


@contextmanager
def one_line_refusals(exit_code: int = WRONG_USAGE) -> Iterator[None]:
    """Turn a refused setting into one line on standard error and an exit, instead of a traceback."""
    try:
        yield
    except SettingError as error:
        print(error, file=sys.stderr)
        raise SystemExit(exit_code) from None


def raw(name: str, default: str = "") -> str:
    """The text of a variable without surrounding blanks, or the default when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def require(*names: str) -> None:
    """Refuse to go on without these variables: for what serves (web, workers), not for single commands."""
    for name in names:
        if not raw(name):
            raise SettingError(name, "not set", "a value (deploy/viewkeeper.env.example explains each)")


def flag(name: str, default: bool = False) -> bool:
    """A yes or no."""
    word = raw(name).lower()
    if not word:
        return default
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise SettingError(name, f"{word!r} is neither yes nor no", "1 or 0")
    return word in TRUE_WORDS


def whole(name: str, default: int, low: int, high: int) -> int:
    """A whole number between `low` and `high`, both included."""
    text = raw(name)
    if not text:
        return default
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise SettingError(name, f"{text!r} will not do", f"a whole number from {low} to {high}")
    return int(text)


def words(name: str) -> list[str]:
    """A list separated by commas; empty items are left out."""
    return [item.strip() for item in raw(name).split(",") if item.strip()]


def folder(name: str, default: Path) -> Path:
    """An absolute folder; it need not exist yet."""
    path = Path(raw(name, str(default)))
    if not path.is_absolute():
        raise SettingError(name, f"{str(path)!r} is not absolute", "an absolute path such as /var/lib/viewkeeper/media")
    return path


def web_address(name: str, default: str = "") -> str:
    """An http or https address without a trailing slash, or the default."""
    text = raw(name, default)
    parts = parsed(name, text, "an address such as https://viewkeeper.example")
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise SettingError(name, f"{text!r} is no web address", "an address such as https://viewkeeper.example")
    return text.rstrip("/")


def secret(name: str, default: str) -> str:
    """A long random text."""
    text = raw(name, default)
    if len(text) < MIN_SECRET:
        raise SettingError(name, f"only {len(text)} characters long", f"at least {MIN_SECRET} random characters")
    return text


def fernet_keys(name: str) -> tuple[str, ...]:
    """Fernet keys separated by commas, the first one encrypts; none when unset."""
    keys = tuple(words(name))
    for place, key in enumerate(keys, start=1):
        _check_fernet(name, f"key {place}", key)
    return keys


def zone_keys(name: str) -> dict[str, tuple[str, ...]]:
    """Fernet keys by zone, `zone=key,zone=key` or a JSON object; a zone named again gets a further key for opening."""
    found: dict[str, list[str]] = {}
    for zone, key in _zone_pairs(name):
        if not ZONE_NAME.fullmatch(zone):
            raise SettingError(name, f"{zone!r} is no zone name", "lower-case letters, digits, '-' and '_'")
        _check_fernet(name, f"the key of zone {zone}", key)
        found.setdefault(zone, []).append(key)
    return {zone: tuple(keys) for zone, keys in found.items()}


def database(name: str) -> dict[str, Any]:
    """Django's DATABASES entry from a postgresql:// address; empty (Django's dummy) when unset.

    A folder after `?host=` is the folder of the server's socket, as libpq has it.
    """
    text = raw(name)
    if not text:
        return {}
    form = "postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters percent-encoded"
    parts = parsed(name, text, form)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise SettingError(name, f"scheme {parts.scheme!r} is not PostgreSQL's", form)
    if not parts.path.strip("/"):
        raise SettingError(name, "no database name", form)
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    if unknown := sorted(options.keys() - DATABASE_OPTIONS):
        raise SettingError(name, f"unknown option {unknown[0]!r}", f"one of {', '.join(sorted(DATABASE_OPTIONS))}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def redis_address(name: str) -> str:
    """The address of Redis or Valkey; empty when unset."""
    text = raw(name)
    form = "redis://:PASSWORD@HOST:PORT/NUMBER (rediss:// with TLS)"
    parts = parsed(name, text, form)
    if text and (parts.scheme not in {"redis", "rediss"} or not parts.hostname):
        raise SettingError(name, f"scheme {parts.scheme!r} or host will not do", form)
    if text and not re.fullmatch(r"/?\d*", parts.path, re.ASCII):
        raise SettingError(name, "the database is no number", form)
    return text


def mail_server(name: str, default: str) -> dict[str, Any]:
    """Django's EMAIL_* settings from smtp:// (plain), smtp+tls:// (STARTTLS) or smtps:// (TLS from the start)."""
    form = "smtp://HOST:PORT, smtp+tls://USER:PASSWORD@HOST:PORT or smtps://…"
    parts = parsed(name, raw(name, default), form)
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname:
        raise SettingError(name, f"scheme {parts.scheme!r} or host will not do", form)
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or MAIL_SCHEMES[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def parsed(name: str, text: str, expected: str) -> ParseResult:
    """An address in its parts; a bad port or bracket is refused without repeating the address (it may hold secrets)."""
    try:
        parts = urlparse(text)
        port_ok = parts.port is None or 0 < parts.port <= MAX_PORT
    except ValueError:
        port_ok = False
    if not port_ok:
        raise SettingError(name, "not a well-formed address", expected)
    return parts


def _check_fernet(name: str, which: str, key: str) -> None:
    try:
        Fernet(key)
    except ValueError:
        expected = "32 random bytes in URL-safe base64 (python -m monitor.quickstart key prints one)"
        raise SettingError(name, f"{which} is no Fernet key", expected) from None


def _zone_pairs(name: str) -> list[tuple[str, str]]:
    text = raw(name)
    expected = 'zone=key,zone=key or {"zone": "key"}'
    if text.startswith("{"):
        return _json_pairs(name, text, expected)
    pairs = [item.partition("=") for item in words(name)]
    if any(not sign for _zone, sign, _key in pairs):
        raise SettingError(name, "an item has no '='", expected)
    return [(zone.strip(), key.strip()) for zone, _sign, key in pairs]


def _json_pairs(name: str, text: str, expected: str) -> list[tuple[str, str]]:
    try:
        loaded = json.loads(text)
    except ValueError:
        raise SettingError(name, "not valid JSON", expected) from None
    lists = {zone: keys if isinstance(keys, list) else [keys] for zone, keys in loaded.items()}
    if any(not isinstance(key, str) for keys in lists.values() for key in keys):
        raise SettingError(name, "a key is not text", expected)
    return [(zone, key) for zone, keys in lists.items() for key in keys]
