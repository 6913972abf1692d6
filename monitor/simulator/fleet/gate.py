"""HTTP digest (MD5, qop=auth) as a fleet checks it: really verified, at a few microseconds and bytes a device."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from functools import lru_cache
from hashlib import md5
from hmac import compare_digest

from monitor.simulator.auth import REALM, DigestGate, Login, User

# Longer than a picture's interval, as with devices that end a nonce by its use and not by the clock.
NONCE_LIFE_S = 3_600.0
NONCES_KEPT = 4  # by device: as many clients as one device sees
_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')


@lru_cache(maxsize=8_192)
def _secret(name: str, password: str) -> str:
    return md5(f"{name}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1_024)
def _subject(method: str, target: str) -> str:
    return md5(f"{method}:{target}".encode(), usedforsecurity=False).hexdigest()


class Gate(DigestGate):
    """The gate of one device: keeps its last few nonces, each with when it was given and the last count used."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: dict[str, tuple[float, int]] = {}

    def challenges(self, now: datetime, *, stale: bool = False) -> list[str]:
        """The value of WWW-Authenticate, with a fresh nonce."""
        return [self.challenge(now.timestamp(), stale=stale)]

    def challenge(self, now: float, *, stale: bool = False) -> str:
        """The same at a time in seconds."""
        nonce = secrets.token_hex(12)
        self._given[nonce] = (now, 0)
        while len(self._given) > NONCES_KEPT:
            del self._given[next(iter(self._given))]
        tail = ", stale=true" if stale else ""
        return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{nonce}", opaque="{nonce[:8]}"{tail}'

    def check(
        self, header: str, method: str, target: str, user: User, now: datetime, *, single_use: bool = False
    ) -> Login:
        """Check an Authorization header for a request of `method` and `target` (path and query as sent)."""
        return self.verify(header, method, target, user, now.timestamp(), single_use=single_use)

    def verify(
        self, header: str, method: str, target: str, user: User, now: float, *, single_use: bool = False
    ) -> Login:
        """The same at a time in seconds."""
        if header[:7].lower() != "digest ":
            return Login.ABSENT
        given = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(header)}
        count = given.get("nc", "")
        nonce = given.get("nonce", "")
        if given.get("username") != user.name or given.get("uri") != target or given.get("qop") != "auth":
            return Login.REFUSED
        middle = f"{nonce}:{count}:{given.get('cnonce', '')}:auth"
        wanted = md5(
            f"{_secret(user.name, user.password)}:{middle}:{_subject(method, target)}".encode(), usedforsecurity=False
        ).hexdigest()
        if not count.isalnum() or not compare_digest(given.get("response", "").encode(), wanted.encode()):
            return Login.REFUSED
        return self._spend(nonce, int(count, 16), now, single_use=single_use)

    def _spend(self, nonce: str, count: int, now: float, *, single_use: bool) -> Login:
        """A right answer to a nonce that is unknown, old or used up is stale: the client may answer a new one."""
        entry = self._given.get(nonce)
        if entry is None or count <= entry[1] or now - entry[0] > NONCE_LIFE_S or (single_use and entry[1]):
            return Login.STALE
        self._given[nonce] = (entry[0], count)
        return Login.WORKED
