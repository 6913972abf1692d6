"""Sessions whose tokens the database does not know: it keeps their hashes.

Whoever reads the database, a dump or a replica of it, can sign in as nobody. Everything else is Django's own store.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.core.exceptions import SuspiciousOperation
from django.utils import timezone

log = logging.getLogger("django.security.sessions")

# The column takes 40 characters: 160 bits of SHA-256, as many as nobody will ever guess.
KEPT_DIGITS = 40


def kept(token: str) -> str:
    """What the database knows of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()[:KEPT_DIGITS]


class SessionStore(db.SessionStore):
    """Django's database sessions under hashed keys."""

    def exists(self, session_key: str) -> bool:
        """Whether a session with this token is kept."""
        return super().exists(kept(session_key))

    def delete(self, session_key: str | None = None) -> None:
        """Forget a session; by default this one."""
        token = session_key or self.session_key
        if token:
            super().delete(kept(token))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """The row of this session."""
        row = super().create_model_instance(data)
        row.session_key = kept(row.session_key)
        return row

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        try:
            return Session.objects.get(session_key=kept(self.session_key or ""), expire_date__gt=timezone.now())
        except (Session.DoesNotExist, SuspiciousOperation) as error:
            if isinstance(error, SuspiciousOperation):
                log.warning("%s", error)
            self._session_key = None
            return None
