"""What the migrations enter, so that a first device can be."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from devices.models import District

pytestmark = pytest.mark.django_db
qingdao = import_module("devices.migrations.0002_qingdao")


def test_the_districts_of_qingdao_are_there_from_the_start() -> None:
    qingdao.enter(apps, None)

    assert District.objects.get(code="370203").name == "市北区"
    assert District.objects.count() == 10


def test_a_district_that_is_there_already_stays_as_it_is() -> None:
    District.objects.create(code="370203", name="Shibei")

    qingdao.enter(apps, None)

    assert District.objects.get(code="370203").name == "Shibei"
