"""The whole chain for tests that need it: virtual cameras, the real broker, real Celery workers, a real mail server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import connection

from monitor.quickstart.ports import any_free
from tests.broker import empty

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 40.0
BETWEEN_S = 0.3
# So many looks in a row must find everything at rest.
STILL_CHECKS = 3
QUEUES = ("record", "alerts", "default", "probe.demo", "look.demo")


class MailServer:
    """Takes every mail and keeps it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.address = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Part of aiosmtpd's handler."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    """A mail server on loopback."""
    server = MailServer()
    port = any_free()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    server.address = f"smtp://127.0.0.1:{port}"
    yield server
    controller.stop()


@pytest.fixture(scope="module")
def workers(django_db_setup: None, mail_server: MailServer, tmp_path_factory: Any) -> Iterator[Path]:
    """A probe worker without a database and a worker with the tests' own; gives the folder of their logs."""
    logs = tmp_path_factory.mktemp("workers")
    empty(redis.Redis.from_url(settings.REDIS_URL))
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "monitor.settings",
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
        "VIEWKEEPER_DEMO": "1",
        "VIEWKEEPER_EMAIL_URL": mail_server.address,
        "VIEWKEEPER_MEDIA": str(settings.MEDIA_ROOT),
    }
    bare = {name: value for name, value in environ.items() if name != "DATABASE_URL"}
    with ExitStack() as stack:
        stack.enter_context(worker("monitor.celery", "record,alerts,default", environ, logs / "main.log"))
        stack.enter_context(worker("monitor.collector", "probe.demo,look.demo", bare, logs / "probe.log"))
        yield logs


@contextmanager
def worker(app: str, queues: str, environ: dict[str, str], log: Path) -> Iterator[None]:
    """A Celery worker in a process of its own."""
    program = [sys.executable, "-m", "celery", "-A", app, "worker", "-P", "threads", "-c", "2", "-Q", queues]
    with log.open("wb") as file:
        process = subprocess.Popen([*program, "-l", "INFO"], cwd=ROOT, env=environ, stdout=file, stderr=file)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def stillness(transactional_db: None, workers: Path) -> Iterator[None]:
    """After a test the workers come to rest before its tables are emptied, which whoever reads them would hinder."""
    yield
    store = redis.Redis.from_url(settings.REDIS_URL)
    until, still = time.monotonic() + PATIENCE_S, 0
    while still < STILL_CHECKS and time.monotonic() < until:
        still = 0 if any(store.llen(queue) for queue in QUEUES) or _others_at_work() else still + 1
        time.sleep(BETWEEN_S)


def _others_at_work() -> bool:
    """Whether somebody else has a statement or a transaction open in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle')"
        )
        return bool(cursor.fetchone()[0])


Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until something holds, asking again and again; fail when it never does."""

    def wait(holds: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until, "it never came true"
            time.sleep(BETWEEN_S)

    return wait
