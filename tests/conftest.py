"""The test run's servers, before Django reads its settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import django
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests.servers import Servers, own_number

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})
servers = None if WORKER else Servers()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def pytest_configure() -> None:
    """Start the servers in the controlling process; its parallel workers have a Redis database each. Set Django up."""
    if servers is not None:
        servers.start()
        os.environ["REDIS_URL"] = own_number(os.environ["REDIS_URL"], WORKER)
    django.setup()
    assert os.environ["REDIS_URL"] == settings.REDIS_URL, "the settings were read too early"


def pytest_unconfigure() -> None:
    """Stop what was started."""
    if servers is not None:
        servers.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a database: those tests are run once more on production's engines."""
    for item in items:
        uses = DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        if uses or item.get_closest_marker("django_db"):
            item.add_marker("servers")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests begin with an empty register: what migrations enter is gone after the first test that truncates."""
    from devices.models import District

    with django_db_blocker.unblock():
        District.objects.all().delete()


@pytest.fixture(scope="session", autouse=True)
def media_folder() -> Iterator[None]:
    """Pictures that tests keep go to a folder of their own, and with it."""
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
