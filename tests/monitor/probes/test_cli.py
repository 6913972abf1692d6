"""The probe command: what it prints, for programs and for people, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from monitor.probes import cli
from monitor.wire import Aspect, Finding, Verdict
from tests.monitor.probes.device import JPEG, Script
from tests.monitor.probes.fake import http, serving

ENV = {"CAMERA_PASSWORD": "pw", "EMPTY": ""}
ASPECTS = ["link", "access", "clock", "picture", "identity"]


def _options(url: str, **given: Any) -> cli.Options:
    return cli.options(url, environ=ENV, **given)


def _json(port: int, *, login: bool = True, **given: Any) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    who = {"username": "admin", "password_env": "CAMERA_PASSWORD"} if login else {}
    code = cli.run(_options(f"127.0.0.1:{port}", **who, **given), out, as_json=True)
    assert out.getvalue().count("\n") == 1
    return code, json.loads(out.getvalue())


# -- what may be typed


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path"),
    [
        ("192.0.2.10", "http", "192.0.2.10", 80, ""),
        ("192.0.2.10:8000", "http", "192.0.2.10", 8000, ""),
        ("http://192.0.2.10", "http", "192.0.2.10", 80, ""),
        ("http://192.0.2.10/", "http", "192.0.2.10", 80, ""),
        ("HTTPS://Cam.Example:8443/onvif/x?y=1", "https", "cam.example", 8443, "/onvif/x?y=1"),
        ("https://192.0.2.10", "https", "192.0.2.10", 443, ""),
        ("[2001:db8::1]:8000", "http", "2001:db8::1", 8000, ""),
        (" http://192.0.2.10/onvif/device_service ", "http", "192.0.2.10", 80, "/onvif/device_service"),
    ],
)
def test_addresses_that_are_understood(url: str, scheme: str, host: str, port: int, path: str) -> None:
    chosen = cli.parse_url(url)
    assert (chosen.scheme, chosen.host, chosen.port, chosen.path) == (scheme, host, port, path)
    assert not chosen.loopback


@pytest.mark.parametrize("url", ["127.0.0.1:80", "http://localhost:1", "[::1]:80", "http://cam.localhost"])
def test_who_types_loopback_means_it(url: str) -> None:
    assert cli.parse_url(url).loopback


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://admin:pw@192.0.2.10", "--password-env"),
        ("admin@192.0.2.10", "--password-env"),
        ("ftp://192.0.2.10", "ftp"),
        ("http://", "empty"),
        ("", "empty"),
        ("not a host", "host name"),
        ("192.0.2.10:99999", "cannot be read"),
        ("192.0.2.10:0", "Port 0"),
        ("192.0.2.10:x", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("169.254.169.254", "metadata"),
        ("0.0.0.0", "no host"),
    ],
)
def test_addresses_that_are_not(url: str, word: str) -> None:
    with pytest.raises(cli.UsageError, match=word) as caught:
        _options(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"username": "admin"}, "belong together"),
        ({"password_env": "CAMERA_PASSWORD"}, "belong together"),
        ({"username": "admin", "password_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"reference": "/no/such/file.jpg"}, "No such file"),
        ({"reference": __file__}, "no picture"),
        ({"deadline_s": 0.0}, "--deadline"),
        ({"deadline_s": -1.0}, "--deadline"),
        ({"deadline_s": 601.0}, "--deadline"),
        ({"deadline_s": float("nan")}, "--deadline"),
    ],
)
def test_wrong_usage_is_one_clear_line(given: Mapping[str, Any], word: str) -> None:
    with pytest.raises(cli.UsageError, match=word) as caught:
        _options("192.0.2.10", **given)
    assert "\n" not in str(caught.value)


def test_an_empty_password_is_a_password() -> None:
    credential = _options("192.0.2.10", username="admin", password_env="EMPTY").credential
    assert credential is not None
    assert credential.password == ""


def test_a_look_may_ask_eight_at_once_and_never_shows_the_password() -> None:
    chosen = _options("192.0.2.10", username="admin", password_env="CAMERA_PASSWORD", deadline_s=3.0)
    goal = cli.target(chosen)
    assert (goal.burst, goal.deadline_s) == (8, 3.0)
    assert "'pw'" not in repr(chosen) + repr(goal)


# -- what is printed


def test_a_healthy_device_is_one_object_with_five_aspects() -> None:
    with serving(Script()) as fake:
        code, said = _json(fake.port)
    assert code == 0
    assert said["address"] == f"http://127.0.0.1:{fake.port}"
    assert said["status"] == "online"
    assert said["took_ms"] > 0
    assert list(said["aspects"]) == ASPECTS
    assert all(one["verdict"] == "ok" and one["cause"] == "" for one in said["aspects"].values())
    assert abs(said["aspects"]["clock"]["offset_s"]) < 2
    picture = said["aspects"]["picture"]
    assert (picture["label"], picture["width"], picture["height"]) == ("normal", 640, 360)
    identity = said["aspects"]["identity"]
    assert [identity[key] for key in ("manufacturer", "model", "firmware", "serial")] == ["Maker", "M1", "1.0", "S1"]


def test_without_a_login_it_is_auth_failed() -> None:
    with serving(Script()) as fake:
        code, said = _json(fake.port, login=False)
    assert (code, said["status"]) == (1, "auth_failed")
    assert said["aspects"]["access"] == {"verdict": "faulty", "cause": "credential_missing", "detail": {}}
    assert said["aspects"]["picture"]["label"] is None


def test_a_faulty_picture_is_degraded() -> None:
    with serving(Script({"/snap.jpg": http(200, b"<html>")})) as fake:
        code, said = _json(fake.port)
    assert (code, said["status"]) == (1, "degraded")
    assert said["aspects"]["picture"]["detail"] == {"content": "HTML"}


def test_a_dead_device_is_offline_and_every_aspect_is_there() -> None:
    with serving(lambda _: None) as fake:
        code, said = _json(fake.port)
    assert (code, said["status"]) == (1, "offline")
    assert [one["cause"] for one in said["aspects"].values()] == ["silent", *["link_down"] * 4]


def test_the_path_that_was_typed_is_asked() -> None:
    with serving(Script()) as fake:
        cli.run(_options(f"http://127.0.0.1:{fake.port}/my/service"), io.StringIO(), as_json=True)
    assert fake.asked[0].path == "/my/service"


def test_a_reference_is_what_the_view_is_compared_with(tmp_path: Path) -> None:
    reference = tmp_path / "reference.jpg"
    reference.write_bytes(JPEG)
    assert 0 < len(_options("192.0.2.10", reference=str(reference)).model) <= 8192


def test_a_person_reads_requests_facts_and_verdicts() -> None:
    with serving(Script({"/snap.jpg": http(200, b"<html>")})) as fake:
        out = io.StringIO()
        code = cli.run(_options(f"127.0.0.1:{fake.port}", username="admin", password_env="CAMERA_PASSWORD"), out)
    text = out.getvalue()
    assert code == 1
    assert "GetSystemDateAndTime" in text
    assert "manufacturer Maker" in text
    assert "learned" in text
    assert "media_path /onvif/media" in text
    assert "degraded, in" in text
    assert "The snapshot address answers HTML instead of a picture." in text
    assert "Check the snapshot address and the login rights of the user." in text
    assert "pw" not in text.split()


@pytest.mark.parametrize(
    ("finding", "sentence"),
    [
        (Finding(Verdict.FAULTY, "clock_off", {"offset_s": -400.2}), "The clock is 6 min 40 s slow."),
        (Finding(Verdict.FAULTY, "obstructed", {"share": 0.629}), "About 62 % of the picture is covered."),
        (Finding(Verdict.FAULTY, "clock_off", {"offset_s": 400.2}), "The clock is 6 min 40 s fast."),
        (Finding(Verdict.FAULTY, "clock_off", {}), "The clock is ?."),
        (Finding(Verdict.UNKNOWN, "link_down"), "Cannot be known while the link is down."),
        (Finding(Verdict.UNKNOWN, "not_looked"), "Not looked at yet."),
        (Finding(Verdict.OK), ""),
        (
            Finding(Verdict.FAULTY, "locked_out", {"wait_s": 1740}),
            "The device has locked this address after wrong passwords. By its own words the lock lasts 29 min 0 s.",
        ),
        (
            Finding(Verdict.FAULTY, "service_missing", {"page": "WEB SERVICE"}),
            "The device is online, but no ONVIF service answers. Its page is called “WEB SERVICE”.",
        ),
    ],
)
def test_causes_in_words(finding: Finding, sentence: str) -> None:
    assert cli.words(finding)[0] == sentence


def test_the_next_step_is_in_the_words_of_the_maker() -> None:
    detail = {"vendor": "hikvision"}
    assert "Integration protocol" in cli.words(Finding(Verdict.FAULTY, "service_missing", detail))[1]
    assert "Integration protocol" not in cli.words(Finding(Verdict.FAULTY, "service_missing"))[1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (-28_800, "8 h 0 min"), (90_061, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert cli.duration(seconds) == text


def test_the_table_names_every_aspect() -> None:
    findings = {aspect: Finding(Verdict.OK) for aspect in cli.ASPECTS}
    lines = cli.table(findings, 12.3).splitlines()
    assert lines[1] == "online, in 12 ms"
    assert [line.split()[0] for line in lines[2:]] == [aspect.value for aspect in cli.ASPECTS]
    assert Aspect.RECORDING not in cli.ASPECTS


# -- the command


def test_the_command_returns_plainly_when_all_is_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "pw")
    out = io.StringIO()
    with serving(Script()) as fake:
        url = f"127.0.0.1:{fake.port}"
        call_command("probe", url, "--username=admin", "--password-env=CAMERA_PASSWORD", "--json", stdout=out)
    assert json.loads(out.getvalue())["status"] == "online"


def test_the_command_exits_with_one_for_a_fault() -> None:
    with serving(Script()) as fake, pytest.raises(SystemExit) as caught:
        call_command("probe", f"127.0.0.1:{fake.port}", stdout=io.StringIO())
    assert caught.value.code == 1


def test_the_command_exits_with_two_for_wrong_usage() -> None:
    with pytest.raises(CommandError) as caught:
        call_command("probe", "http://u:p@192.0.2.10")
    assert caught.value.returncode == 2


@pytest.mark.parametrize("arguments", [[], ["192.0.2.10", "--deadline", "x"], ["0.0.0.0", "--json"]])
def test_wrong_usage_on_the_command_line_is_one_line_on_stderr(arguments: list[str]) -> None:
    manage = Path(__file__).resolve().parents[3] / "manage.py"
    command = [sys.executable, str(manage), "probe", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.strip().count("\n") == 0
