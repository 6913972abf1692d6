"""A compound to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devices.models import Compound, Contract, Device, User


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Figures are cached for minutes; each test begins without any."""
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Words are compared in the language of the message ids."""
    from django.utils import translation

    with translation.override("en"):
        yield


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
def officer(camera: Device) -> User:
    """Who decides on the camera."""
    from tests import factories

    return factories.officer(camera.compound.district)


@pytest.fixture
def contract(camera: Device) -> Contract:
    """The contract that the camera stands under."""
    from tests import factories

    found = factories.contract()
    type(camera).objects.filter(pk=camera.pk).update(contract=found)
    camera.refresh_from_db()
    return found
