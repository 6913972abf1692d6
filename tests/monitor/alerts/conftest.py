"""A mail server and an outage to tell of. Models are imported late: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.monitor.alerts.postbox import Postbox

if TYPE_CHECKING:
    from pytest_django import Settings

    from devices.models import Device, User


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    """A mail server that Django sends to."""
    box = Postbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    box.open()
    yield box
    box.close()


@pytest.fixture
def camera(db: None) -> Device:
    """A camera that is there to see the way in."""
    from tests import factories

    place = factories.compound(name="Hefei Road")
    slot = factories.slot(place, sees="everybody who comes in")
    return factories.device(place, name="north entrance", slot=slot)


@pytest.fixture
def officer(camera: Device) -> User:
    """A police officer of the camera's district who wants mails."""
    from tests import factories

    return factories.officer(camera.compound.district, wants_mail=True)
