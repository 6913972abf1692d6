"""The outside heartbeat: one request while all is well, none when it is not, and no harm where it is not taken."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from monitor import heartbeat, tasks
from monitor.models import Pulse
from tests.monitor.probes.fake import http, serving


@pytest.mark.parametrize(("status", "taken"), [(200, True), (302, False), (500, False)])
def test_the_address_is_fetched_once_whatever_it_answers(status: int, taken: bool) -> None:
    with serving(lambda _: http(status, b"", "Location: /elsewhere", keep=False)) as watcher:
        assert heartbeat.send(f"http://127.0.0.1:{watcher.port}/ping/abc") is taken
    assert watcher.names() == ["/ping/abc"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_what_cannot_be_fetched_does_no_harm(url: str) -> None:
    assert heartbeat.send(url) is False


@pytest.mark.django_db
@pytest.mark.parametrize(("well", "beats"), [(True, 1), (False, 0)])
def test_housekeeping_gives_a_sign_of_life_only_when_all_is_well(settings: Settings, well: bool, beats: int) -> None:
    if well:
        Pulse.objects.create(name="tick", at=timezone.now())
    with serving(lambda _: http(200, b"", keep=False)) as watcher:
        settings.VIEWKEEPER_HEARTBEAT_URL = f"http://127.0.0.1:{watcher.port}/ping"
        tasks.housekeep()
    assert len(watcher.asked) == beats
