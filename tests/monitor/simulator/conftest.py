"""One city for all tests of a module, put right before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.simulator.plan import ChannelPlan, CityPlan, DevicePlan, SceneSpec
from monitor.simulator.server import RunningCity
from tests.monitor.simulator.talk import PASSWORD

SMALL = (320, 180)
TOKEN = "token-of-the-tests"
PLAN = CityPlan(
    (
        DevicePlan("sw", "switch"),
        DevicePlan("cam", password=PASSWORD, parent="sw", size=SMALL, scene=SceneSpec("hall", 3, "H3"), serial="SN-1"),
        DevicePlan(
            "rec",
            "recorder",
            password=PASSWORD,
            parent="sw",
            size=SMALL,
            channels=(
                ChannelPlan("ch1", SceneSpec("hall", 1)),
                ChannelPlan("ch2", SceneSpec("hall", 2), faults={"white": True}),
            ),
        ),
        DevicePlan("lane", password=PASSWORD, size=SMALL, scene=SceneSpec("fire_lane", 1)),
        DevicePlan("sha", password=PASSWORD, auth="digest_sha256", size=SMALL, scene=SceneSpec("hall", 4)),
        DevicePlan("digest", password=PASSWORD, auth="digest_only", size=SMALL, scene=SceneSpec("hall", 4)),
        DevicePlan("wsse", password=PASSWORD, auth="wsse_only", size=SMALL, scene=SceneSpec("hall", 4)),
        DevicePlan("basic", password=PASSWORD, auth="basic", size=SMALL, scene=SceneSpec("hall", 4)),
        DevicePlan("open", auth="none", size=SMALL, scene=SceneSpec("hall", 4)),
        DevicePlan("horn", "speaker", manufacturer="A<B"),
    )
)


@pytest.fixture(scope="module")
def served() -> Iterator[RunningCity]:
    with RunningCity(PLAN, control_token=TOKEN) as city:
        yield city


@pytest.fixture
def city(served: RunningCity) -> RunningCity:
    served.reset()
    for key in served.ports():
        served.forget_requests(key)
    return served
