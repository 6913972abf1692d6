"""Secrets at rest: a text column that is encrypted with the keys of the environment, and never shown.

The first key encrypts, all of them decrypt, so that a key is changed by putting the new one in front
(MultiFernet: AES-128-CBC with HMAC-SHA256). Without the right key a value is an error, not an empty text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class Undecryptable(Exception):
    """A stored secret that none of the configured keys opens."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("VIEWKEEPER_FIELD_KEYS is empty: no key to encrypt credentials with")
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Encrypt a text with the first field key."""
    return _fernet(tuple(settings.VIEWKEEPER_FIELD_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Decrypt with whichever field key fits; `Undecryptable` when none does."""
    try:
        return _fernet(tuple(settings.VIEWKEEPER_FIELD_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable("no key of VIEWKEEPER_FIELD_KEYS opens this secret") from error


class Secret(str):
    """A secret in memory: a text whose `repr` does not tell it, so that no traceback does."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


# Before a secret in a fixture, so that loading it does not take the encrypted text for the secret itself.
SEALED = "sealed:"


class SecretField(_Text):
    """A text that the database only ever sees encrypted; an empty one stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return encrypt(str(value)) if value else ""

    def from_db_value(self, value: str | None, *_: object) -> Secret:
        """Decrypt on the way back."""
        return Secret(decrypt(value)) if value else Secret("")

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise (dumpdata, fixtures) encrypted, never in clear."""
        value = self.value_from_object(obj)
        return f"{SEALED}{encrypt(str(value))}" if value else ""

    def to_python(self, value: Any) -> Any:
        """Read what a fixture or a form holds; a sealed text that no key opens is refused."""
        if not isinstance(value, str) or not value.startswith(SEALED):
            return value
        try:
            return Secret(decrypt(value.removeprefix(SEALED)))
        except Undecryptable as error:
            raise ValidationError(str(error)) from error
