"""Starts everything in order, says how long each part took, keeps it running, and stops it all again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from monitor import env
from monitor.quickstart import hello, keys, postgres, processes, programs, valkey
from monitor.quickstart.layout import Layout, write_private
from monitor.quickstart.ports import first_free, hold
from monitor.quickstart.programs import Environment
from monitor.quickstart.supervisor import StepFailed, Supervisor

LOOPBACK = "127.0.0.1"
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
FIRST_PORT = 8000
LEFTOVER_PATIENCE_S = 5.0
READY_PATIENCE_S = 60.0
ROUND_S = 0.2
HEALTH_SIZE = 64_000  # bytes; a health answer has a few hundred


Doing = Callable[[], int]


class StopRequested(Exception):
    """A person pressed Ctrl-C, or the system asked us to end."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may choose: DEMO, HOST, PORT."""

    demo: bool
    host: str
    port: int

    @classmethod
    def from_environment(cls) -> Choices:
        """Read them; nonsense is refused."""
        return cls(env.flag("DEMO", True), env.raw("HOST", LOOPBACK), env.whole("PORT", FIRST_PORT, 1, env.MAX_PORT))


class Launcher:
    """One run of an installation that this process holds."""

    def __init__(self, place: Layout, choices: Choices) -> None:
        self.place = place
        self.choices = choices
        self.supervisor = Supervisor(place.run, place.log, say)
        self.values: dict[str, str] = {}
        self.sockets: list[Path] = []
        self.held: list[socket.socket] = []
        self.city_seen = 0.0

    @property
    def environment(self) -> Environment:
        """What the children may know."""
        return Environment(self.values)

    def prepare(self) -> None:
        """End what a killed launcher left, and have the keys."""
        self.place.environment.unlink(missing_ok=True)
        for name in processes.end_leftovers(self.place.run, LEFTOVER_PATIENCE_S):
            say(f"ended {name}, left over from a run that was killed")
        self.values = keys.load(self.place.keys) or self.make_keys()
        given = [name for name in self.values if env.raw(name)]
        self.values |= {name: env.raw(name) for name in given}
        self.values["VIEWKEEPER_MEDIA"] = env.raw("VIEWKEEPER_MEDIA", str(self.place.var / "media"))

    def make_keys(self) -> dict[str, str]:
        """The keys of a new installation; an old database cannot be opened with new keys."""
        data = None if env.raw("DATABASE_URL") else postgres.data_folder(self.place.var)
        if data and postgres.is_initialised(data):
            raise keys.KeysMissing(
                f"the keys of the database in {data} are gone: put {self.place.keys} back, "
                "or remove that folder to begin anew"
            )
        return keys.make(self.place.keys, programs.ZONES)

    def start_servers(self) -> None:
        """PostgreSQL and Valkey: those given by address, else our own."""
        with timed("PostgreSQL"):
            self.values["DATABASE_URL"] = env.raw("DATABASE_URL") or self.start_postgres()
        with timed("Valkey"):
            self.values["REDIS_URL"] = env.raw("REDIS_URL") or self.start_valkey()
        write_private(self.place.environment, json.dumps(self.values))

    def start_postgres(self) -> str:
        """Our own PostgreSQL; its address."""
        server = postgres.place(self.place.var, self.values[keys.DATABASE_PASSWORD])
        if not server.exists:
            postgres.initialise(server)
        if self.place.var not in server.socket.parents:
            self.sockets.append(server.socket)
        postgres.wait_ready(server, self.supervisor.start(server.program(), base=True))
        return server.address()

    def start_valkey(self) -> str:
        """Our own Valkey; its address."""
        server = valkey.place(self.place.run, keys.new_password())
        valkey.wait_ready(server, self.supervisor.start(server.program(), base=True))
        return server.address()

    def start(self) -> None:
        """Everything, in order; returns when the first page can be opened."""
        with timed("keys"):
            self.prepare()
        self.start_servers()
        port = self.keep_port(self.choices.host, first_free(self.choices.host, self.choices.port))
        self.settle_addresses(port)
        with timed("tables"):
            self.supervisor.step(programs.manage(self.environment, "migrate", "--no-input"))
        if self.choices.demo:
            self.start_demo()
        with timed("web, workers"):
            self.start_apps(port)
        hello.greet(self.values["VIEWKEEPER_PUBLIC_URL"], self.place, self.choices.demo, say)

    def keep_port(self, host: str, port: int = 0) -> int:
        """A port, any by default, that stays ours until its server starts: the virtual cameras take scores before."""
        self.held.append(hold(host, port))
        kept: int = self.held[-1].getsockname()[1]
        return kept

    def settle_addresses(self, port: int) -> None:
        """What depends on the ports that are free this time."""
        host = self.choices.host
        shown = LOOPBACK if host in EVERYWHERE else f"[{host}]" if ":" in host else host
        self.values |= {
            "VIEWKEEPER_DEMO": str(int(self.choices.demo)),
            "VIEWKEEPER_STATIC_HASHED": "0",
            "VIEWKEEPER_PUBLIC_URL": env.raw("VIEWKEEPER_PUBLIC_URL", f"http://{shown}:{port}"),
            "VIEWKEEPER_ALLOWED_HOSTS": env.raw("VIEWKEEPER_ALLOWED_HOSTS", "*" if host in EVERYWHERE else host),
            "VIEWKEEPER_DEMO_MAIL_DIR": str(self.place.mail),
            "VIEWKEEPER_SIMULATOR_URL": f"http://{LOOPBACK}:{self.keep_port(LOOPBACK)}" if self.choices.demo else "",
        }
        # The demo's mails must reach nobody, whatever mail server this machine knows.
        given = "" if self.choices.demo else env.raw("VIEWKEEPER_EMAIL_URL")
        self.values["VIEWKEEPER_EMAIL_URL"] = given or f"smtp://{LOOPBACK}:{self.keep_port(LOOPBACK)}"
        write_private(self.place.environment, json.dumps(self.values))

    def start_demo(self) -> None:
        """The virtual cameras, and the register and history that go with them."""
        with timed("virtual cameras"):
            self.supervisor.step(programs.city_plan(self.environment, self.place))
            self.place.city.unlink(missing_ok=True)
            control = port_of(self.values["VIEWKEEPER_SIMULATOR_URL"])
            self.supervisor.start(programs.simulator(self.environment, self.place, control))
            self.wait(self.place.city.exists, "the virtual cameras do not start")
        with timed("demo data"):
            self.load_demo()

    def load_demo(self) -> None:
        """Bring the demo's devices to the ports that their cameras have now; on the first run with all the history."""
        self.city_seen = self.place.city.stat().st_mtime
        files = ("--city", str(self.place.city), "--plan", str(self.place.plan), "--logins", str(self.place.logins))
        self.supervisor.step(programs.manage(self.environment, "load_demo", *files))

    def start_apps(self, port: int) -> None:
        """Mail, web and workers; returns when the web server answers."""
        mail = self.values["VIEWKEEPER_EMAIL_URL"]
        if self.choices.demo or not env.raw("VIEWKEEPER_EMAIL_URL"):
            self.supervisor.start(programs.mail_catcher(self.environment, self.place, port_of(mail)))
        self.supervisor.start(programs.web(self.environment, self.choices.host, port))
        self.supervisor.start(programs.probe_worker(self.environment))
        self.supervisor.start(programs.look_worker(self.environment))
        self.supervisor.start(programs.main_worker(self.environment, self.place))
        host = LOOPBACK if self.choices.host in EVERYWHERE else self.choices.host
        address = f"http://[{host}]:{port}/healthz/" if ":" in host else f"http://{host}:{port}/healthz/"
        self.wait(lambda: answers(address), "the web server does not start")

    def wait(self, done: processes.Condition, otherwise: str) -> None:
        """Wait for a part to be ready while looking after the others."""
        deadline = time.monotonic() + READY_PATIENCE_S
        while not done():
            if time.monotonic() > deadline:
                raise StepFailed(f"{otherwise}; the logs are in {self.place.log}")
            self.supervisor.watch()
            time.sleep(processes.POLL_S)

    def keep_running(self) -> None:
        """Look after the children until a person ends it."""
        while True:
            self.supervisor.watch()
            if self.choices.demo and self.city_moved():
                say("the virtual cameras came back on other ports; the register follows")
                self.load_demo()
            time.sleep(ROUND_S)

    def city_moved(self) -> bool:
        """Whether the virtual cameras were started again."""
        return self.place.city.exists() and self.place.city.stat().st_mtime != self.city_seen

    def stop(self) -> None:
        """End everything, servers last."""
        began = time.monotonic()
        self.place.environment.unlink(missing_ok=True)
        clean = self.supervisor.stop()
        for held in self.held:
            held.close()
        for folder in self.sockets:
            shutil.rmtree(folder, ignore_errors=True)
        say(f"stopped in {time.monotonic() - began:.1f} s" + ("" if clean else " (some had to be killed)"))


def run(place: Layout) -> None:
    """Start, keep running until Ctrl-C or SIGTERM, stop."""
    launcher = Launcher(place, Choices.from_environment())
    with stop_on_signals():
        if env.flag("QUICKSTART_ENDS_WITH_PARENT"):
            processes.end_with_parent(signal.SIGTERM)
        try:
            launcher.start()
            launcher.keep_running()
        except StopRequested:
            say("stopping")
        finally:
            ignore_signals()
            launcher.stop()


def manage(place: Layout, arguments: list[str]) -> int:
    """Run one management command on our own servers, which are started for it; its exit code."""
    launcher = Launcher(place, Choices.from_environment())
    with stop_on_signals():
        try:
            launcher.prepare()
            launcher.start_servers()
            return processes.attached(programs.manage(launcher.environment, *arguments))
        finally:
            ignore_signals()
            place.environment.unlink(missing_ok=True)
            launcher.supervisor.stop()


def join(place: Layout, arguments: list[str]) -> int:
    """Run one management command on the servers that another launcher runs; its exit code."""
    values: Mapping[str, str] = json.loads(place.environment.read_text())
    with stop_on_signals():
        return processes.attached(programs.manage(Environment(values), *arguments))


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Turn the ways of ending us into `StopRequested` wherever we are."""

    def requested(*_: object) -> None:
        raise StopRequested

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else started by nohup
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, requested) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def ignore_signals() -> None:
    """While we stop, asking again changes nothing: it takes seconds at most."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a part of the start took."""
    began = time.monotonic()
    yield
    say(f"  {what:<18}{time.monotonic() - began:6.1f} s")


def answers(address: str) -> bool:
    """Whether our web server answers its health address; what it says about the rest's health is its own business.

    A stranger at that port, a virtual camera say, is no answer: it says nothing about our health.
    """
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own http address
            told = answer.read(HEALTH_SIZE)
    except urllib.error.HTTPError as refusal:
        with refusal:
            told = refusal.read(HEALTH_SIZE)
    except (OSError, ValueError, HTTPException):
        return False
    try:
        return "ok" in json.loads(told)
    except (TypeError, ValueError):
        return False


def port_of(address: str) -> int:
    """The port at the end of one of our own addresses."""
    return int(address.rpartition(":")[2])


def say(line: str) -> None:
    """Tell the person at the terminal; a closed terminal must not hinder stopping."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open for the rest of the run
