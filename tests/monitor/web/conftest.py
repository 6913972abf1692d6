"""A compound in English, and a browser for each person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from tests.monitor.web.reading import Page, SignIn, words_of

if TYPE_CHECKING:
    from devices.models import Compound, Device, User


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Figures and sessions are cached; each test begins without any."""
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def sign_in() -> SignIn:
    """A signed-in browser that wants English."""

    def signed_in(user: User) -> Client:
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def compound(db: None) -> Compound:
    from tests import factories

    return factories.compound(name="Hefei Road")


@pytest.fixture
def camera(compound: Compound) -> Device:
    """An entrance camera that was never looked at."""
    from tests.monitor.overview.seeing import watched

    return watched(compound, name="North gate 1")


@pytest.fixture
def officer(compound: Compound) -> User:
    from tests import factories

    return factories.officer(compound.district)


@pytest.fixture
def reads(officer: User, sign_in: SignIn) -> Page:
    """Opens a page as the officer and gives its words."""
    client = sign_in(officer)

    def opened(name: str, *args: int, query: str = "") -> str:
        return words_of(client, reverse(name, args=args) + query)

    return opened
