"""How a virtual device checks a login: WS-UsernameToken and HTTP digest, both really verified, and basic.

Written from RFC 7616 (digest), RFC 7617 (basic) and the OASIS UsernameToken profile 1.0, as a device does it: it
knows one user, keeps the nonces it gave or saw, and never tells which part of a login was wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest

REALM = "IP Camera"
NONCES_KEPT = 512
NONCE_LIFE = timedelta(minutes=5)
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CREATED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_COUNT = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
_ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


class Login(StrEnum):
    """The outcome of a check. Only REFUSED counts towards a lock-out."""

    ABSENT = "absent"
    WORKED = "worked"
    REFUSED = "refused"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class User:
    """The one user of a device."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """What a WS-Security header carried, as text; a part that was not there is empty."""

    username: str
    password: str = field(repr=False)
    password_type: str
    nonce: str
    created: str


class _Seen:
    """The last values seen, each with a set of what was used with it; bounded, the oldest forgotten first."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, tuple[datetime, set[int]]] = OrderedDict()

    def add(self, value: str, now: datetime) -> None:
        self._used[value] = (now, set())
        while len(self._used) > NONCES_KEPT:
            self._used.popitem(last=False)

    def get(self, value: str) -> tuple[datetime, set[int]] | None:
        return self._used.get(value)


class WsseGate:
    """Checks UsernameTokens: the digest of the password, a fresh Created, a nonce never seen before."""

    def __init__(self) -> None:
        self._nonces = _Seen()

    def check(
        self, token: UsernameToken | None, user: User, now: datetime, *, tolerance_s: float, needs_z: bool = False
    ) -> Login:
        """Check a token against the device's own clock `now`."""
        if token is None:
            return Login.ABSENT
        created = parse_created(token.created, needs_z=needs_z)
        if created is None or abs((created - now).total_seconds()) > tolerance_s:
            return Login.REFUSED
        if not token.nonce or self._nonces.get(token.nonce) or not _wsse_matches(token, user):
            return Login.REFUSED
        self._nonces.add(token.nonce, now)
        return Login.WORKED


def _wsse_matches(token: UsernameToken, user: User) -> bool:
    if not token.password_type.endswith("#PasswordDigest"):
        return False
    try:
        nonce = base64.b64decode(token.nonce, validate=True)
    except (binascii.Error, ValueError):
        return False
    sha = hashlib.sha1(nonce + token.created.encode() + user.password.encode(), usedforsecurity=False)
    wanted = base64.b64encode(sha.digest())
    return _same(token.password, wanted.decode()) and _same(token.username, user.name)


def parse_created(text: str, *, needs_z: bool = False) -> datetime | None:
    """The instant of a Created value (without a zone: UTC), or None when it is none."""
    match = _CREATED.fullmatch(text.strip())
    if match is None or (needs_z and match[2] != "Z"):
        return None
    try:
        return datetime.fromisoformat(match[1] + (match[2] or "Z"))
    except ValueError:
        return None


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode(), wanted.encode())


class DigestGate:
    """Checks HTTP digest (qop=auth): nonces given by us and not too old, each nonce count used once."""

    def __init__(self, algorithms: tuple[str, ...] = ("MD5",)) -> None:
        self._algorithms = algorithms
        self._nonces = _Seen()

    def challenges(self, now: datetime, *, stale: bool = False) -> list[str]:
        """The values of WWW-Authenticate, the strongest algorithm first, with one fresh nonce."""
        nonce = secrets.token_hex(16)
        self._nonces.add(nonce, now)
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm="{REALM}", qop="auth", algorithm={name}, nonce="{nonce}", opaque="{nonce[:8]}"{tail}'
            for name in self._algorithms
        ]

    def check(
        self, header: str, method: str, target: str, user: User, now: datetime, *, single_use: bool = False
    ) -> Login:
        """Check an Authorization header for a request of `method` and `target` (path and query as sent)."""
        scheme, _, rest = header.partition(" ")
        if scheme.lower() != "digest":
            return Login.ABSENT
        given = {match[1].lower(): match[2] if match[2] is not None else match[3] for match in _PAIR.finditer(rest)}
        if not self._matches(given, method, target, user):
            return Login.REFUSED
        return self._use(given["nonce"], int(given["nc"], 16), now, single_use=single_use)

    def _matches(self, given: dict[str, str], method: str, target: str, user: User) -> bool:
        digest = self._digest(given.get("algorithm", "MD5"))
        if digest is None or given.get("qop") != "auth" or not _COUNT.fullmatch(given.get("nc", "")):
            return False
        if not given.get("cnonce") or given.get("uri") != target or given.get("realm") != REALM:
            return False
        ha1 = digest(f"{user.name}:{REALM}:{user.password}".encode())
        ha2 = digest(f"{method}:{target}".encode())
        middle = f"{given.get('nonce', '')}:{given['nc']}:{given['cnonce']}:auth"
        wanted = digest(f"{ha1}:{middle}:{ha2}".encode())
        return _same(given.get("response", ""), wanted) and _same(given.get("username", ""), user.name)

    def _digest(self, algorithm: str) -> Callable[[bytes], str] | None:
        """The hash of an algorithm that was offered (without one MD5 is meant: RFC 7616, 3.4)."""
        return _ALGORITHMS[algorithm] if algorithm in self._algorithms else None

    def _use(self, nonce: str, count: int, now: datetime, *, single_use: bool) -> Login:
        """A right answer to a nonce that is unknown, old or used up is stale: the client may answer a new one."""
        entry = self._nonces.get(nonce)
        if entry is None:
            return Login.STALE
        given_at, used = entry
        spent = bool(used) if single_use else count in used
        if spent or abs(now - given_at) > NONCE_LIFE:
            return Login.STALE
        used.add(count)
        return Login.WORKED


def check_basic(header: str, user: User) -> Login:
    """Check an Authorization header for basic."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return Login.ABSENT
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return Login.REFUSED
    right = _same(name, user.name) & _same(password, user.password)
    return Login.WORKED if right else Login.REFUSED


class Lockout:
    """Counts refused logins by client address and locks an address out for a while (QUIRKS 4)."""

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}
        self._until: dict[str, datetime] = {}

    def remaining_s(self, client: str, now: datetime) -> int:
        """Seconds until the lock of this client ends, rounded up; 0: not locked."""
        left = (self._until.get(client, now) - now).total_seconds()
        return max(0, -int(-left // 1))

    def refuse(self, client: str, now: datetime, after: int, lock_s: float) -> None:
        """Count one refused login; the `after`th locks the client out for `lock_s` seconds."""
        self._refused[client] = self.refused(client) + 1
        if self._refused[client] >= after:
            self._until[client] = now + timedelta(seconds=lock_s)
            del self._refused[client]

    def refused(self, client: str) -> int:
        """How many logins of this client were refused since its last one that worked or its last lock."""
        return self._refused.get(client, 0)

    def worked(self, client: str) -> None:
        """A login that worked ends the count."""
        self._refused.pop(client, None)

    def reset(self) -> None:
        """Forget everything."""
        self._refused.clear()
        self._until.clear()
