"""Specification of empty lists: each says why, when it was last looked, and the next step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from devices.models import Compound, Device
from tests import factories
from tests.monitor.overview.seeing import NOW, seen
from tests.monitor.web.reading import Page, SignIn, words_of


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_no_fault_says_when_it_was_last_looked_and_what_comes(compound: Compound, reads: Page) -> None:
    seen(compound)

    told = reads("home")

    assert "No open fault Last look 0 s ago. What comes next" in told


def test_a_first_page_without_points_says_what_to_do(compound: Compound, reads: Page) -> None:
    told = reads("home")

    assert "No point to watch yet. No camera is in the register" in told
    assert "Next step: add a device" in told


def test_who_may_see_nothing_is_told_whom_to_ask(db: None, sign_in: SignIn) -> None:
    told = words_of(sign_in(factories.user()), "/")

    assert "No compound is yours to see" in told
    assert "ask the platform administrator" in told


def test_a_list_that_fits_nothing_says_so_and_leads_back(compound: Compound, reads: Page) -> None:
    seen(compound)

    assert "No device fits" in reads("devices", query="?q=nothing")
    assert "Last look:" in reads("devices", query="?q=nothing")
    told = reads("devices", query="?status=obstructed")
    assert "Last look: 0 s ago." in told
    assert "Next step: show all devices" in told


def test_an_empty_register_says_so(compound: Compound, reads: Page) -> None:
    told = reads("devices")

    assert "No device yet" in told
    assert "Next step: add a device" in told


@pytest.mark.parametrize(("show", "why"), [("open", "No open incident"), ("ended", "No ended incident")])
def test_a_list_without_incidents_says_why_and_when(compound: Compound, reads: Page, show: str, why: str) -> None:
    assert "Nothing was looked at yet." in reads("incidents", query=f"?show={show}")
    seen(compound)

    told = reads("incidents", query=f"?show={show}")

    assert why in told
    assert "Last look 0 s ago. Next step:" in told


def test_a_compound_without_points_says_so(compound: Compound, reads: Page) -> None:
    assert "No point in this compound" in reads("compound", compound.pk)


def test_a_device_never_looked_at_says_so_everywhere(camera: Device, reads: Page) -> None:
    told = reads("device", camera.pk)

    for sentence in (
        "The device was not looked at yet. Next step: look again",
        "No full hour yet",
        "It was not looked at. Next step: look again, or wait for the next round.",
        "Nothing has changed today.",
        "No incident in 90 days It was not looked at yet.",
        "Nothing learned yet",
    ):
        assert sentence in told
