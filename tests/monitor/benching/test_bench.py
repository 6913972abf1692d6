"""Specification of the bench: it tells its figures as one JSON object, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from devices.models import Device, District, Zone
from monitor.benching import city
from monitor.benching.cpu import measured, resident_mb
from monitor.management.commands import bench
from monitor.models import DeviceState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and small pictures; what it costs is not what is tested here."""
    settings.MEDIA_ROOT = settings.MEDIA_ROOT  # so that it is put back
    monkeypatch.setattr(city, "SIZE", (320, 180))
    monkeypatch.setattr(bench, "NAIVE_POLLS", 1)
    monkeypatch.setattr(bench, "FLOOR_POLLS", 1)


def test_the_figures_are_one_json_object_and_nothing_is_left_behind() -> None:
    out, told = io.StringIO(), io.StringIO()
    call_command("bench", cameras=1, rounds=2, stdout=out, stderr=told)

    figures = json.loads(out.getvalue())
    assert figures["picture_poll_ms"] == pytest.approx(
        figures["fetch_ms"] + figures["judge_ms"] + figures["record_ms"], abs=0.05
    )
    assert figures["polls"] == 2
    assert figures["ok"] is (figures["picture_poll_ms"] < 25)
    assert figures["polls_per_core_second"] == pytest.approx(1000 / figures["picture_poll_ms"], rel=0.01)
    for name in ("floor_ms", "naive_ms", "heartbeat_ms", "rss_mb", "ratio_naive", "wall_p50_ms", "wall_p95_ms"):
        assert figures[name] > 0
    assert "one warm poll" in told.getvalue()
    assert not Device.objects.exists()
    assert not District.objects.exists()
    assert not Zone.objects.filter(name__startswith="bench").exists()
    assert not DeviceState.objects.exists()


def test_a_camera_that_is_not_well_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PASSWORD", "another one")

    with pytest.raises(CommandError, match="login_refused"):
        call_command("bench", cameras=1, rounds=1, stdout=io.StringIO(), stderr=io.StringIO())


def test_cameras_that_do_not_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city, "SIZE", (1, 1))

    with pytest.raises(CommandError, match="did not start"):
        call_command("bench", cameras=1, rounds=1, stdout=io.StringIO(), stderr=io.StringIO())


def test_another_way_whose_library_is_not_installed_has_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aiohttp.py").write_text("raise ModuleNotFoundError('aiohttp')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert bench._child("floor", 1, [80]) is None


def test_another_way_that_fails_is_told() -> None:
    with pytest.raises(CommandError, match="the floor way failed"):
        bench._child("floor", 1, [1])


def test_a_ratio_needs_both() -> None:
    assert bench._ratio(10.0, 4.0) == 2.5
    assert bench._ratio(None, 4.0) is bench._ratio(10.0, None) is None


def test_cpu_time_is_that_of_the_work() -> None:
    result, spent_ms = measured(lambda: sum(math.sqrt(n) for n in range(200_000)))

    assert result > 0
    assert spent_ms > 1
    assert resident_mb() > 10
