"""Reading pages as a person does: their words, without the markup."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.test import Client

if TYPE_CHECKING:
    from devices.models import User

Page = Callable[..., str]
SignIn = Callable[["User"], Client]


def words_of(client: Client, address: str) -> str:
    """The words of a page in one line."""
    answer = client.get(address)
    assert answer.status_code == 200
    text = html.unescape(re.sub(r"<[^>]*>", " ", answer.content.decode()))
    return re.sub(r" ([:.,)])", r"\1", " ".join(text.split()))
