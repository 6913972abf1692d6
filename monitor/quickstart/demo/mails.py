"""Reading the mails that the demo's mail catcher kept."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from devices.models import User
from devices.visibility import sees_everything

# The newest are shown; a demo that ran for weeks has thousands.
SHOWN = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")


@dataclass(frozen=True, slots=True)
class Mail:
    """One caught mail."""

    name: str
    at: datetime
    subject: str
    to: tuple[str, ...]
    text: str
    html: str


def mails(user: User) -> list[Mail]:
    """The newest mails first (names sort by time of arrival); administrators see all, others those sent to them."""
    found: list[Mail] = []
    for path in sorted(_folder().glob("*.eml"), key=lambda item: item.name, reverse=True):
        mail = _read(path)
        if mail is not None and _may_read(user, mail):
            found.append(mail)
        if len(found) == SHOWN:
            break
    return found


def mail(user: User, name: str) -> Mail | None:
    """One mail by its name; None when there is none that this user may read."""
    path = _folder() / f"{name}.eml"
    found = _read(path) if _NAME.fullmatch(name) else None
    return found if found is not None and _may_read(user, found) else None


def _folder() -> Path:
    return Path(settings.VIEWKEEPER_DEMO_MAIL_DIR)


def _may_read(user: User, found: Mail) -> bool:
    return sees_everything(user) or (bool(user.email) and user.email.lower() in found.to)


def _read(path: Path) -> Mail | None:
    try:
        with path.open("rb") as file:
            message = BytesParser(policy=policy.default).parse(file)
            at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, timezone.get_current_timezone())
    except OSError:
        return None
    assert isinstance(message, EmailMessage)  # noqa: S101 - what this policy makes
    to = tuple(address.lower() for _name, address in getaddresses([str(item) for item in message.get_all("To", [])]))
    return Mail(path.stem, at, str(message.get("Subject", "")), to, _part(message, "plain"), _part(message, "html"))


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
