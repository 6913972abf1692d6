"""Specification of pages that are alive, the policy they work under, and pages that say what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from devices.models import Compound, Device, User
from monitor import vision
from monitor.models import RawReading
from tests import factories
from tests.monitor.overview.seeing import NOW, watched
from tests.monitor.web.reading import SignIn


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.parametrize("name", ["home", "device", "compound", "incident"])
def test_a_live_page_asks_for_its_part_alone(camera: Device, officer: User, sign_in: SignIn, name: str) -> None:
    incident = factories.broken(camera)
    address = reverse(name, args={"home": [], "device": [camera.pk], "compound": [camera.compound_id]}.get(
        name, [incident.pk]
    ))  # fmt: skip
    client = sign_in(officer)

    whole = client.get(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert f'hx-get="{address}"' in whole
    assert "<html" not in part
    assert part.strip()
    assert ('hx-swap-oob="true"' in part) is (name != "incident")


@pytest.mark.parametrize(("demo", "pace"), [(True, "every 5s"), (False, "every 15s")])
def test_a_demo_is_refreshed_faster(
    compound: Compound, officer: User, sign_in: SignIn, settings: Settings, demo: bool, pace: str
) -> None:
    settings.VIEWKEEPER_DEMO = demo

    assert pace in sign_in(officer).get("/").content.decode()


def test_only_a_demo_says_that_it_is_one_at_the_login(db: None, client: Client, settings: Settings) -> None:
    for demo in (True, False):
        settings.VIEWKEEPER_DEMO = demo
        content = client.get(reverse("login"), headers={"Accept-Language": "en"}).content.decode()
        assert ("make run" in content) is demo


def test_pages_work_under_the_strictest_policy(compound: Compound, officer: User, sign_in: SignIn) -> None:
    device = watched(compound)
    factories.broken(device, "obstructed")
    factories.last_picture(device.state, label="obstructed", blocks=[1, 2])
    factories.picture(device)
    factories.learned(device, vision.learn([vision.decode(factories.jpeg(2))]).dumps())
    factories.proposal(device, factories.user())
    RawReading.objects.create(
        device=device, at=NOW, took_ms=1.0, picture={"label": "blur", "score": 0.6, "checkable": 1}
    )
    client = sign_in(officer)

    for address in ("/", "/devices/", "/incidents/", "/proposals/", f"/devices/{device.pk}/"):
        content = client.get(address).content.decode()
        assert "style=" not in content
        assert "<style" not in content
        assert not re.search(r"<script(?![^>]*src=)", content)
        assert not re.search(r"\son[a-z]+=", content)


@pytest.mark.django_db
def test_an_unknown_page_says_so_in_words(client: Client) -> None:
    answer = client.get("/nowhere/", headers={"Accept-Language": "en"})

    assert answer.status_code == 404
    assert "There is nothing here." in answer.content.decode()


@pytest.mark.django_db
def test_our_own_error_blames_no_camera(client: Client, officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.web.home.whose", lambda _user: 1 / 0)
    client.force_login(officer)
    client.raise_request_exception = False

    answer = client.get("/")

    assert answer.status_code == 500
    assert "has nothing to do with any camera" in answer.content.decode()
