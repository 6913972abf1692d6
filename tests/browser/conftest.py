"""A whole installation with its demo, as `make run` starts it, and a real Chromium to visit it with."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from monitor.quickstart.ports import any_free

ROOT = Path(__file__).resolve().parent.parent.parent
START_PATIENCE_S = 180
STOP_PATIENCE_S = 30
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Site:
    """A running installation: its address and the demo's logins by role."""

    address: str
    logins: dict[str, dict[str, str]]
    ready_at: float


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start everything in a folder of its own, and end it as a person would: with Ctrl-C."""
    var = tmp_path_factory.mktemp("installation")
    log = var / "start.log"
    private = ("VIEWKEEPER_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    environ |= {"QUICKSTART_VAR": str(var / "var"), "PORT": str(any_free()), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.quickstart"], cwd=ROOT, env=environ, stdout=out, stderr=out
        )
        try:
            address = _ready(process, log)
            logins = json.loads((var / "var" / "demo-logins.json").read_text())
            yield Site(address, {login["role"]: login for login in logins}, time.monotonic())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_PATIENCE_S)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < until:
        found = re.search(r"is ready: (http://\S+?)/?\s", log.read_text())
        if found:
            return found.group(1)
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"not ready after {START_PATIENCE_S} s:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without any the journey is skipped, and says so."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


class Visitor:
    """A person with a browser: what goes wrong in it, and whom it talks to, is kept."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site = site
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def sign_in(self, role: str) -> Page:
        """Sign in with the demo's login of a role, and come to its first page."""
        login = self.site.logins[role]
        assert self.open("/") == 200, self.page.content()
        self.page.fill("input[name=username]", login["username"])
        self.page.fill("input[name=password]", login["password"])
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("h1")
        self.page.wait_for_url(self.site.address + "/")
        return self.page

    def open(self, path: str) -> int:
        """Open a page; give the status of its answer."""
        answer = self.page.goto(self.site.address + path)
        assert answer is not None
        return answer.status

    def _said(self, message: ConsoleMessage) -> None:
        refused = "status of 40" in message.text  # a page that is not for this person, as asked for
        if message.type == "error" and not refused:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.site.address, "data:")):
            self.strangers.append(request.url)


@pytest.fixture
def desk(site: Site, browser: Browser) -> Iterator[Visitor]:
    """A visitor at a desk, whose browser speaks Chinese."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    visitor = Visitor(site, context)
    yield visitor
    context.close()
    assert (visitor.errors, visitor.strangers) == ([], [])


@pytest.fixture
def phone(site: Site, browser: Browser) -> Iterator[Visitor]:
    """A visitor with a phone, whose browser speaks Chinese."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True, locale="zh-CN"
    )
    visitor = Visitor(site, context)
    yield visitor
    context.close()
    assert (visitor.errors, visitor.strangers) == ([], [])
