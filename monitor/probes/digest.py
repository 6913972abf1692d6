"""HTTP authentication: read a challenge, answer it, keep its nonce for the next request (RFC 7616, 2617, 2069)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from monitor.wire import Credential

# A challenge of a real device has 150 to 400 characters; what is longer is not answered.
MAX_CHALLENGE: Final = 4096
MAX_CHALLENGES: Final = 16
_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}
# A scheme begins a challenge; name=value pairs follow it. Values may be quoted with backslash escapes.
# Nothing in it is tried in two ways: a header full of blanks must not hold the loop.
_TOKEN: Final = re.compile(
    r'[\s,]*+(?:(?P<name>[\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"?|(?P<plain>[^\s,"]*))'
    r"|(?P<scheme>[A-Za-z][\w-]*)(?:\s+|$|,))"
)
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way a device offers to log in."""

    scheme: str
    params: Mapping[str, str]

    @property
    def stale(self) -> bool:
        """Whether the device says that only the nonce was too old."""
        return self.params.get("stale", "").lower() == "true"

    @property
    def usable(self) -> bool:
        """Whether we can answer it."""
        if self.scheme == "basic":
            return True
        algorithm = self.params.get("algorithm", "MD5").upper().removesuffix("-SESS")
        qop = self.params.get("qop", "")
        known = algorithm in _HASHES and (not qop or "auth" in _words(qop))
        return self.scheme == "digest" and known and bool(self.params.get("nonce"))


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",")]


def _challenges(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while match := _TOKEN.match(header, position):
        position = match.end()
        if match["scheme"]:
            found.append((match["scheme"].lower(), {}))
        elif found:
            value = match["plain"] if match["quoted"] is None else _ESCAPED.sub(r"\1", match["quoted"])
            found[-1][1].setdefault(match["name"].lower(), value)
    return [Challenge(scheme, params) for scheme, params in found]


def parse(headers: Iterable[str]) -> list[Challenge]:
    """The challenges of the `WWW-Authenticate` headers, in the device's order; monstrous ones are left out."""
    sane = (header for header in headers if len(header) <= MAX_CHALLENGE)
    return list(islice((challenge for header in sane for challenge in _challenges(header)), MAX_CHALLENGES))


def choose(challenges: Iterable[Challenge], *, basic: bool) -> Challenge | None:
    """The first digest that we can answer; basic only where it is allowed."""
    usable = [challenge for challenge in challenges if challenge.usable]
    digests = [challenge for challenge in usable if challenge.scheme == "digest"]
    return next(iter(digests or (usable if basic else [])), None)


def basic(credential: Credential) -> str:
    """The `Authorization` of the scheme that hides nothing."""
    pair = f"{credential.username}:{credential.password}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(slots=True)
class Kept:
    """A digest challenge that is being answered; its nonce is counted up with each request."""

    challenge: Challenge
    count: int = 0
    client: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def nonce(self) -> str:
        """The device's nonce."""
        return self.challenge.params["nonce"]

    @property
    def algorithm(self) -> str:
        """The algorithm in the device's own spelling, "" where it named none."""
        return self.challenge.params.get("algorithm", "")

    @property
    def per_session(self) -> bool:
        """Whether the secret is bound to this nonce (MD5-sess and its kin)."""
        return self.algorithm.upper().endswith("-SESS")

    def _digest(self, *parts: str) -> str:
        name = _HASHES[(self.algorithm or "MD5").upper().removesuffix("-SESS")]
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    def _response(self, method: str, uri: str, credential: Credential, middle: tuple[str, ...]) -> str:
        secret = self._digest(credential.username, self.challenge.params.get("realm", ""), credential.password)
        if self.per_session:
            secret = self._digest(secret, self.nonce, self.client)
        return self._digest(secret, self.nonce, *middle, self._digest(method, uri))

    def authorization(self, method: str, uri: str, credential: Credential) -> str:
        """The header for the next request."""
        params = self.challenge.params
        self.count += 1
        qop, count = bool(params.get("qop")), f"{self.count:08x}"
        middle = (count, self.client, "auth") if qop else ()
        quoted = {
            "username": credential.username,
            "realm": params.get("realm", ""),
            "nonce": self.nonce,
            "uri": uri,
            "response": self._response(method, uri, credential, middle),
        } | ({"opaque": params["opaque"]} if "opaque" in params else {})
        if qop or self.per_session:
            quoted["cnonce"] = self.client
        pairs = [f'{name}="{_quoted(value)}"' for name, value in quoted.items()]
        pairs += [f"algorithm={self.algorithm}"] if self.algorithm else []
        pairs += ["qop=auth", f"nc={count}"] if qop else []
        return "Digest " + ", ".join(pairs)
