"""The control address does what a test can do, for those who hold the token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.simulator.city import City
from monitor.simulator.control import Control
from monitor.simulator.plan import CityPlan
from monitor.simulator.server import RunningCity
from tests.monitor.simulator.conftest import TOKEN
from tests.monitor.simulator.talk import fetch, raw


def control(city: RunningCity, method: str, path: str, data: object = None, token: str = TOKEN) -> tuple[int, Any]:
    body = json.dumps(data).encode() if data is not None else b""
    port = int(city.control_address.rpartition(":")[2])
    reply = fetch(port, method, path, body, Authorization=f"Bearer {token}")
    assert reply.headers["Content-Type"] == "application/json"
    return reply.status, json.loads(reply.body)


def faults(city: RunningCity) -> dict[str, Any]:
    return {one["key"]: one["faults"] for one in control(city, "GET", "/state")[1]["devices"] if one["faults"]}


def test_the_state_lists_devices_and_channels(city: RunningCity) -> None:
    city.set_faults("sw", off=True)
    status, state = control(city, "GET", "/state")
    by_key = {one["key"]: one for one in state["devices"]}
    assert status == 200
    assert by_key["cam"] == {
        "key": "cam",
        "kind": "camera",
        "port": city.port("cam"),
        "parent": "sw",
        "faults": {},
        "up": False,
    }
    assert by_key["ch2"] == {
        "key": "ch2",
        "kind": "channel",
        "port": city.port("rec"),
        "parent": "rec",
        "faults": {"white": True},
        "up": False,
    }
    assert by_key["horn"]["up"] is True


def test_faults_are_added_and_removed(city: RunningCity) -> None:
    assert control(city, "PUT", "/devices/cam/faults", {"covered": 0.4, "drip": True}) == (200, {"ok": True})
    assert control(city, "PUT", "/devices/cam/faults", {"drip": False, "dark": 0.9})[0] == 200
    assert faults(city)["cam"] == {"covered": 0.4, "dark": 0.9}
    assert control(city, "DELETE", "/devices/cam/faults/dark")[0] == 200
    assert faults(city)["cam"] == {"covered": 0.4}
    assert control(city, "DELETE", "/devices/cam/faults")[0] == 200
    assert "cam" not in faults(city)


def test_reset_goes_back_to_the_plan_and_clear_to_no_faults(city: RunningCity) -> None:
    city.set_faults("cam", off=True)
    control(city, "POST", "/clear")
    assert faults(city) == {}
    assert fetch(city.port("cam")).status == 200
    city.set_faults("cam", off=True)
    control(city, "POST", "/reset")
    assert faults(city) == {"ch2": {"white": True}}


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "field"),
    [
        ("PUT", "/devices/cam/faults", {"covered": 2}, 400, "covered"),
        ("PUT", "/devices/cam/faults", {"eaten": 2}, 400, "eaten"),
        ("PUT", "/devices/ch1/faults", {"off": True}, 400, "off"),
        ("PUT", "/devices/cam/faults", [], 400, "body"),
        ("PUT", "/devices/cam/faults", None, 400, "body"),
        ("PUT", "/devices/nobody/faults", {}, 404, "key"),
        ("DELETE", "/devices/cam/faults/eaten", None, 400, "eaten"),
        ("DELETE", "/devices/nobody/faults", None, 404, "key"),
        ("GET", "/devices", None, 404, "path"),
        ("GET", "/reset", None, 404, "path"),
    ],
)
def test_an_error_names_its_field(
    city: RunningCity, method: str, path: str, data: object, status: int, field: str
) -> None:
    got, answer = control(city, method, path, data)
    assert (got, answer["error"]["field"]) == (status, field)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_without_the_token_nothing_is_told_and_nothing_done(city: RunningCity, token: str) -> None:
    status, answer = control(city, "PUT", "/devices/cam/faults", {"off": True}, token)
    assert (status, answer["error"]["field"]) == (401, "authorization")
    assert fetch(city.port("cam")).status == 200


def test_a_request_that_is_none_is_refused(city: RunningCity) -> None:
    port = int(city.control_address.rpartition(":")[2])
    assert raw(port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_control_address_without_a_token_does_not_start() -> None:
    with pytest.raises(ValueError, match="token"):
        Control(City(CityPlan(())), "")


def test_a_city_without_a_token_has_no_control_address() -> None:
    with RunningCity(CityPlan(())) as city:
        assert city.control_address == ""
