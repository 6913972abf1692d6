"""Sealing pictures on their way over the broker: AES-256-GCM, twenty times as quick as a Fernet token and no text.

Each process that seals draws a salt, and seals under a key made from the zone's newest key and that salt (HKDF).
However many pictures a zone sends in a year, each key seals few enough for random nonces (NIST SP 800-38D, 8.3: 2**32).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SALT, _NONCE, _KEY = 16, 12, 32  # bytes
_PURPOSE = b"viewkeeper picture"
# Keys made from salts are kept at hand: one for each process that seals, and some that are gone.
_AT_HAND = 256


class Sealer:
    """Seals with the newest of a zone's keys; one per process."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._salt = os.urandom(_SALT)
        self._cipher = _cipher(keys[0], self._salt)

    def __call__(self, data: bytes, place: str) -> bytes:
        """Sealed for one place: nobody can put it in another's."""
        nonce = os.urandom(_NONCE)
        return b"".join((self._salt, nonce, self._cipher.encrypt(nonce, data, place.encode())))


class Opener:
    """Opens what was sealed with any of a zone's keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def __call__(self, sealed: bytes, place: str) -> bytes | None:
        """What was sealed; None where it is not whole, not of this zone, or not of this place."""
        salt, nonce, secret = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
        if len(nonce) < _NONCE:
            return None
        for key in self._keys:
            try:
                return _cipher(key, salt).decrypt(nonce, secret, place.encode())
            except InvalidTag:
                continue
        return None


@lru_cache(_AT_HAND)
def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), _KEY, salt, _PURPOSE).derive(base64.urlsafe_b64decode(key)))
