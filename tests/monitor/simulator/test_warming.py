"""Still layers are drawn ahead, so that a city that has just started answers as fast as one that runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from monitor.simulator import scenes
from monitor.simulator.city import LIGHT_LASTS_S, City
from monitor.simulator.device import Device, View
from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, SceneSpec

SIZE = (160, 160)
PLAN = CityPlan(
    (
        DevicePlan("sw", "switch"),
        DevicePlan("cam", size=SIZE, scene=SceneSpec("hall", 1)),
        DevicePlan("off", size=SIZE, scene=SceneSpec("hall", 2), faults={"off": True}),
        DevicePlan("horn", "speaker"),
        DevicePlan(
            "rec", "recorder", size=SIZE,
            channels=(ChannelPlan("ch1", SceneSpec("hall", 3)), ChannelPlan("ch2", SceneSpec("hall", 4))),
        ),
    )
)  # fmt: skip
NOON = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "LAYERS", scenes.LayerCache(scenes.CACHE_BYTES))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the scenes whose still layer was drawn, in order."""
    seeds: list[int] = []
    build = scenes.build_layer

    def counted(scene: SceneSpec, *args: object, **more: object) -> scenes.Layer:
        seeds.append(scene.seed)
        return build(scene, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(scenes, "build_layer", counted)
    return seeds


def test_the_lenses_that_are_on_are_drawn_once_and_those_of_recorders_first(drawn: list[int]) -> None:
    warm_up(City(PLAN, lambda: NOON))
    assert drawn == [3, 4, 1]


def test_a_picture_after_it_draws_no_still_layer_and_is_the_same_as_without(drawn: list[int]) -> None:
    city, cold_city = City(PLAN, lambda: NOON), City(PLAN, lambda: NOON)
    expected = picture(cold_city.devices["cam"])
    warm_up(city)
    drawn.clear()
    assert picture(city.devices["cam"]) == expected and not drawn


def test_no_more_is_drawn_than_is_kept(drawn: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "CACHE_BYTES", 2 * scenes.layer_bytes(*SIZE))
    warm_up(City(PLAN, lambda: NOON))
    assert drawn == [3, 4]


def test_it_draws_again_when_the_light_changes(drawn: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    instant, slept = [NOON + timedelta(minutes=4)], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        instant[0] += timedelta(seconds=seconds)
        if len(slept) > 1:
            raise asyncio.CancelledError

    monkeypatch.setattr("monitor.simulator.city.asyncio.sleep", sleep)
    city = City(PLAN, lambda: instant[0])
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(city.keep_warm())
    asyncio.run(city.stop())
    assert slept == [11 * 60, LIGHT_LASTS_S] and drawn == [3, 4, 1] * 2


def warm_up(city: City) -> None:
    asyncio.run(city.warm_up())
    asyncio.run(city.stop())


def picture(device: Device) -> bytes:
    lens: View = device.views["Profile_1"]
    return device.picture(lens)
