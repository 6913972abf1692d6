"""A real mail server on loopback that keeps what it gets, and can be told to refuse."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Postbox:
    """The server and what it has got; `answers` are its next replies to a message, 250 when none are left."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.tried: list[EmailMessage] = []
        self.kept: list[EmailMessage] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.server = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        """Take a message, or answer what was asked for."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.tried.append(message)
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.kept.append(message)
        return answer

    def open(self) -> None:
        """Listen, and do not tell of each word."""
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self.server.start()

    def close(self) -> None:
        """Refuse connections from now on."""
        self.server.stop()


def text(message: EmailMessage, kind: str = "plain") -> str:
    """The text or the HTML of a message."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def subject(message: EmailMessage) -> str:
    """The subject, without the blank that an early line break leaves."""
    return str(message["Subject"]).strip()
