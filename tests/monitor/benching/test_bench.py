"""Specification of the bench: a table, the figures as one JSON object in the last line, and nothing left behind."""

from __future__ import annotations

import io
import json

import psycopg2
import pytest
import redis
from django.conf import settings
from django.core.management import call_command

from monitor.benching import scratch, table
from tests.monitor.benching.servers import databases, names

NAMED = ("floor_ms", "naive_ms", "picture_poll_ms", "heartbeat_ms", "rss_mb", "core_seconds_per_second")
MAYBE = ("blackbox_http_ms", "fping_ms")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the databases that are made; others may be at work on the same server."""
    names: list[str] = []
    give = scratch.new_name

    def new_name() -> str:
        names.append(give())
        return names[-1]

    monkeypatch.setattr(scratch, "new_name", new_name)
    return names


@pytest.mark.slow
@pytest.mark.servers
def test_the_last_line_is_one_json_object_with_the_figures_of_each_size_and_nothing_is_left_behind(
    made: list[str],
) -> None:
    out = io.StringIO()

    call_command("bench", fleet=[6], rounds=1, size=[320, 180], stdout=out)

    *told, last = out.getvalue().splitlines()
    figures = json.loads(last)
    assert all(figures[name] > 0 for name in NAMED)
    assert all(figures[name] is None or figures[name] > 0 for name in MAYBE)
    assert figures["by_fleet"]["6"] == {name: value for name, value in figures.items() if name != "by_fleet"}
    assert figures["picture_poll_ms"] == pytest.approx(sum(figures["picture"].values()), abs=0.01)
    assert any(line.startswith("CPU ms of a heartbeat") for line in told)
    assert len(made) == 1
    assert not databases() & {*made}


def test_a_platform_on_given_servers_has_a_database_and_a_redis_number_to_itself_and_gives_them_back(
    made: list[str],
) -> None:
    with scratch.platform() as inside:
        values = inside.environment.values
        assert inside.servers == []
        assert databases() & {*made} == {*made} != set()
        connection = psycopg2.connect(values["DATABASE_URL"])
        assert "monitor_schedule" in names(connection)
        connection.close()
        store = redis.Redis.from_url(values["REDIS_URL"])
        assert values["REDIS_URL"] != settings.REDIS_URL
        assert store.keys() == [scratch.TAKEN.encode()]
        store.set("left", "over")

    assert not databases() & {*made}
    assert not store.exists("left")


def test_two_at_once_have_each_a_redis_number_of_their_own() -> None:
    with scratch.platform() as one, scratch.platform() as other:
        numbers = {inside.environment.values["REDIS_URL"] for inside in (one, other)}

    assert len({*numbers, settings.REDIS_URL}) == 3


def test_what_runs_inside_tells_its_exit_code_and_what_it_printed() -> None:
    with scratch.platform() as inside:
        assert inside.run("calendar", "2026", "1")[0] == 0
        assert "January" in inside.run("calendar", "2026", "1")[1]
        assert inside.run("calendar", "--no-such-option")[0] != 0


def test_the_table_has_a_column_for_each_size_and_a_dash_where_nothing_is_installed() -> None:
    figures = {"heartbeat_ms": 0.5, "fping_ms": None, "heartbeat": {"probe_ms": 0.25}}

    shown = table.text({"1000": figures, "50000": figures | {"heartbeat_ms": 0.75}})

    lines = {line[: table.LABEL_WIDTH].strip(): line[table.LABEL_WIDTH :].split() for line in shown.splitlines()}
    assert lines["devices"] == ["1,000", "50,000"]
    assert lines["CPU ms of a heartbeat, recorded"] == ["0.50", "0.75"]
    assert lines["fping, one echo"] == ["–", "–"]
