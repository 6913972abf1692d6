"""The command serves a plan until it is told to stop, and refuses what it cannot do in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.simulator.__main__ import TOKEN_VARIABLE, WRONG_USAGE, main, write_whole
from tests.monitor.simulator.talk import fetch
from tests.monitor.simulator.test_serving import until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text('{"devices": [{"key": "a", "kind": "switch"}]}', encoding="utf-8")
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("abc\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def started(plan: Path, secret: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    out = tmp_path / "ports.json"
    command = [
        sys.executable,
        "-m",
        "monitor.simulator",
        str(plan),
        "--ports-out",
        str(out),
        "--control-port",
        "0",
        "--token-file",
        str(secret),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process, out
    finally:
        process.kill()
        process.communicate()


def test_it_serves_tells_its_ports_and_stops_when_told(started: tuple[subprocess.Popen[str], Path]) -> None:
    process, out = started
    until(out.exists, 20)
    told = json.loads(out.read_text(encoding="utf-8"))
    assert fetch(told["ports"]["a"]).status == 200
    control_port = int(told["control"].rpartition(":")[2])
    assert fetch(control_port, path="/state", Authorization="Bearer abc").status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_it_serves_in_this_process_too(plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "ports.json"
    monkeypatch.setattr(
        "monitor.simulator.__main__.print", lambda *_args, **_more: os.kill(os.getpid(), signal.SIGINT), raising=False
    )
    assert main([str(plan), "--ports-out", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["control"] == ""


@pytest.mark.parametrize(
    ("text", "why"), [("{", "plan: not JSON"), ('{"devices": [{"key": "a", "port": -1}]}', "devices[0].port: must be")]
)
def test_a_plan_that_makes_no_sense_is_refused(
    plan: Path, text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.write_text(text, encoding="utf-8")
    assert main([str(plan)]) == WRONG_USAGE
    assert capsys.readouterr().err.startswith(f"simulator: {why}")


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == WRONG_USAGE
    assert "cannot read" in capsys.readouterr().err


def test_a_control_port_needs_a_token(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert main([str(plan), "--control-port", "0"]) == WRONG_USAGE
    assert TOKEN_VARIABLE in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_token_that_others_can_read_is_refused(
    plan: Path, secret: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.chmod(mode)
    assert main([str(plan), "--control-port", "0", "--token-file", str(secret)]) == WRONG_USAGE
    assert "readable by its owner only" in capsys.readouterr().err


def test_the_token_may_come_from_the_environment(plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "ports.json"
    monkeypatch.setenv(TOKEN_VARIABLE, "abc")
    monkeypatch.setattr(
        "monitor.simulator.__main__.print", lambda *_args, **_more: os.kill(os.getpid(), signal.SIGTERM), raising=False
    )
    assert main([str(plan), "--control-port", "0", "--ports-out", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["control"].startswith("http://127.0.0.1:")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    write_whole(path, "new")
    assert (path.read_text(encoding="utf-8"), list(tmp_path.iterdir())) == ("new", [path])
