"""Specification of the queues: a mail server that hangs holds up no readings, and every queue has a worker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.celery import app
from tests.monitor.conftest import ROOT

SYSTEMD = ROOT / "deploy" / "systemd"


def queues(unit: Path) -> set[str]:
    """The queues that a production unit consumes."""
    found = re.search(r"--queues (\S+)", unit.read_text())
    return set(found[1].split(",")) if found else set()


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("deliver", "alerts"),
        ("record", "record"),
        ("look_step", "record"),
        ("tick", "default"),
        ("housekeep", "default"),
        ("look", "default"),
    ],
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, f"monitor.tasks.{task}")["queue"].name == queue


def test_the_beat_sends_each_duty_to_its_queue() -> None:
    sent = {name: entry["options"]["queue"] for name, entry in app.conf.beat_schedule.items()}

    assert sent == {"tick": "default", "deliver": "alerts", "housekeep": "default"}


def test_in_production_mails_have_a_worker_of_their_own() -> None:
    assert queues(SYSTEMD / "viewkeeper-alerts.service") == {"alerts"}
    assert queues(SYSTEMD / "viewkeeper-main.service") == {"record", "default"}


def test_the_target_wants_every_worker() -> None:
    target = (SYSTEMD / "viewkeeper.target").read_text()

    assert all(unit.name in target for unit in SYSTEMD.glob("*.service") if "@" not in unit.name)


def test_people_who_wait_have_a_worker_of_their_own() -> None:
    assert queues(SYSTEMD / "viewkeeper-look.service") == {"${VIEWKEEPER_LOOK_QUEUES}"}
    assert queues(SYSTEMD / "viewkeeper-probe@.service") == {"${VIEWKEEPER_QUEUES}"}
