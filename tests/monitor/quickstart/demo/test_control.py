"""The client of the simulator's control address, against the real one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.quickstart.demo import control
from monitor.quickstart.demo.control import ControlError
from monitor.simulator.city import City
from monitor.simulator.control import Control
from monitor.simulator.plan import CityPlan, DevicePlan


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    """A running city with one camera, on a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    async def make() -> tuple[City, Control]:
        city = City(CityPlan((DevicePlan("cam", password="x"),)))
        await city.start()
        served = Control(city, "token")
        await served.start()
        return city, served

    city, served = run(make())
    settings.VIEWKEEPER_SIMULATOR_URL, settings.VIEWKEEPER_SIMULATOR_TOKEN = served.address, "token"
    yield served.address
    run(served.stop())
    run(city.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_faults_are_set_taken_away_and_cleared(address: str) -> None:
    control.set_faults("cam", {"covered": 0.5, "off": True})
    camera = control.state()["cam"]
    assert (camera.up, dict(camera.faults)) == (False, {"covered": 0.5, "off": True})
    control.set_faults("cam", {"off": None})
    assert control.state()["cam"].up
    control.clear("cam")
    assert control.state()["cam"].faults == {}


def test_what_the_simulator_refuses_is_an_error_without_the_token(address: str, settings: Any) -> None:
    with pytest.raises(ControlError, match="404"):
        control.clear("no such")
    settings.VIEWKEEPER_SIMULATOR_TOKEN = "wrong-token"
    with pytest.raises(ControlError, match="401") as caught:
        control.state()
    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_a_simulator_that_is_not_there_is_an_error(url: str, settings: Any) -> None:
    settings.VIEWKEEPER_SIMULATOR_URL = url
    with pytest.raises(ControlError):
        control.state()
