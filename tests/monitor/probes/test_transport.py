"""The transport's own corners: TLS, names, errors of ours, what a request may not carry."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import errno
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.probes import transport
from monitor.probes.failure import Failure, Late, LinkDown
from monitor.probes.transport import Place
from monitor.wire import Aspect, Finding, Verdict
from tests.monitor.probes.device import look
from tests.monitor.probes.fake import HEARTBEAT, clock, serving, subject, target


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a camera's own making, long expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    then = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    signed = (builder.serial_number(1).not_valid_before(then).not_valid_after(then + datetime.timedelta(days=1))).sign(
        key, hashes.SHA256()
    )
    path = tmp_path_factory.mktemp("tls") / "camera.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    """A device that answers one clock over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65_536)
            secure.sendall(clock())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.close()


def test_a_certificate_of_the_camera_s_own_making_is_accepted(tls_port: int) -> None:
    reading = look(target(tls_port, subject(tiers=HEARTBEAT), scheme="https"))[0]
    assert reading.findings[Aspect.LINK] == Finding(Verdict.OK)
    assert reading.findings[Aspect.CLOCK].verdict is Verdict.OK


def test_a_port_that_speaks_no_tls_is_reached_and_not_understood() -> None:
    with serving(lambda _: clock()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), scheme="https", deadline_s=0.4))[0]
    assert reading.findings[Aspect.LINK].cause in {"", "silent"}
    assert reading.findings[Aspect.CLOCK].verdict is Verdict.UNKNOWN


def test_plain_bytes_instead_of_a_handshake_are_a_protocol_fault() -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"220 camera ready\r\n")
            connection.recv(65_536)

    threading.Thread(target=greet, daemon=True).start()
    with server:
        port = server.getsockname()[1]
        reading = look(target(port, subject(tiers=HEARTBEAT), scheme="https", deadline_s=1.0))[0]
    assert reading.findings[Aspect.LINK] == Finding(Verdict.OK)
    assert reading.findings[Aspect.ACCESS].cause == "protocol"


def test_a_stalled_handshake_is_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reading = look(target(port, subject(tiers=HEARTBEAT), scheme="https", deadline_s=0.3))[0]
    assert reading.findings[Aspect.LINK].cause == "silent"


def _why(number: int, seconds: float = 0.0) -> str:
    return transport._why_not(OSError(number, "x"), seconds).cause


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ECONNREFUSED, "port_closed"),
        (errno.ECONNRESET, "port_closed"),
        (errno.ENETUNREACH, "no_route"),
        (errno.EHOSTUNREACH, "no_route"),
        (errno.ETIMEDOUT, "no_answer"),
        (errno.EMFILE, "late"),
        (errno.EADDRNOTAVAIL, "late"),
    ],
)
def test_errors_of_connect(number: int, cause: str) -> None:
    assert _why(number) == cause


def test_a_neighbour_that_does_not_answer_arp_is_off() -> None:
    assert _why(errno.EHOSTUNREACH, transport.ARP_GAVE_UP_S) == "no_answer"
    assert _why(errno.ENETUNREACH, transport.ARP_GAVE_UP_S) == "no_route"


def test_a_lack_of_sockets_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_given: object) -> socket.socket:
        raise OSError(errno.EMFILE, "too many")

    async def go() -> None:
        until = asyncio.get_running_loop().time() + 1
        with monkeypatch.context() as patched, pytest.raises(Late):
            patched.setattr("socket.socket", none_left)
            await transport._connect(ipaddress.ip_address("127.0.0.1"), 9, until)

    asyncio.run(go())


def test_no_answer_to_a_connect_is_told_before_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog: the kernel drops the SYN, as a host does that is switched off."""
    monkeypatch.setattr(transport, "CONNECT_LIMIT_S", 0.2)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(server.getsockname())
            reading = look(target(server.getsockname()[1], subject(tiers=HEARTBEAT), deadline_s=2.0))[0]
        finally:
            for one in waiting:
                one.close()
    assert reading.findings[Aspect.LINK].cause == "no_answer"
    assert reading.took_ms < 1000


def _soon() -> float:
    return asyncio.get_running_loop().time() + 2


def _resolve(monkeypatch: pytest.MonkeyPatch, outcome: Exception | list[str]) -> str:
    def lookup(_host: str, port: int, **_given: object) -> list[tuple[object, ...]]:
        if isinstance(outcome, Exception):
            raise outcome
        return [(0, 0, 0, "", (text, port)) for text in outcome]

    monkeypatch.setattr("socket.getaddrinfo", lookup)

    async def go() -> str:
        with ThreadPoolExecutor(1) as names:
            return str(await transport.resolve(Place("camera.example", 80, False, False), names, _soon()))

    try:
        return asyncio.run(go())
    except Failure as exc:
        return exc.cause


def test_a_name_is_resolved_to_an_address_that_may_be_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _resolve(monkeypatch, ["127.0.0.1", "10.0.0.9"]) == "10.0.0.9"
    assert _resolve(monkeypatch, ["127.0.0.1", "fe80::1%eth0"]) == "address_refused"


@pytest.mark.parametrize("literal", ["fd00:ec2::254%1", "fd00::1%eth0", "64:ff9b:1::7f00:1", "::ffff:0:a9fe:a9fe"])
def test_an_address_in_figures_is_checked_before_it_is_dialled(literal: str) -> None:
    async def go() -> None:
        with ThreadPoolExecutor(1) as names:
            await transport.resolve(Place(literal, 80, False, False), names, _soon())

    with pytest.raises(Failure) as caught:
        asyncio.run(go())
    assert caught.value.cause == "address_refused"


def test_an_unknown_name_is_theirs_and_a_dead_name_server_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _resolve(monkeypatch, socket.gaierror(socket.EAI_NONAME, "x")) == "name_unknown"
    assert _resolve(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "x")) == "late"
    assert _resolve(monkeypatch, UnicodeError("x")) == "name_unknown"


@pytest.mark.parametrize(
    ("place", "authority"),
    [
        (Place("10.0.0.1", 80, False, False), "10.0.0.1"),
        (Place("10.0.0.1", 443, True, False), "10.0.0.1"),
        (Place("10.0.0.1", 443, False, False), "10.0.0.1:443"),
        (Place("2001:db8::1", 8000, False, False), "[2001:db8::1]:8000"),
    ],
)
def test_the_host_header(place: Place, authority: str) -> None:
    assert place.authority == authority


def test_nothing_adds_a_line_to_a_request() -> None:
    place = Place("10.0.0.1", 80, False, False)
    said = transport.compose("GET", "/a\r\nX: 1", place, [("Authorization", "x\r\nEvil: 1\n")], b"")
    assert said.count(b"\r\n") == said.count(b"\n") == 6
    assert b"\r\nX:" not in said


def test_a_changed_place_is_dialled_anew() -> None:
    with serving(lambda _: clock()) as one, serving(lambda _: clock()) as two:

        async def go() -> None:
            with ThreadPoolExecutor(1) as names:
                line = transport.Line(names, transport.tls_context())
                until = asyncio.get_running_loop().time() + 2
                here = Place("127.0.0.1", one.port, False, True)
                first = await line.connect(here, until)
                assert await line.connect(here, until) is first
                await line.connect(replace(here, port=two.port), until)
                assert first.ended
                line.close()

        asyncio.run(go())


def test_a_flood_is_not_buffered_beyond_its_limit() -> None:
    async def go() -> tuple[int, int]:
        wire = transport.Wire()

        class Deaf(asyncio.Transport):
            paused = resumed = 0

            def is_closing(self) -> bool:
                return False

            def is_reading(self) -> bool:
                return self.paused == self.resumed

            def resume_reading(self) -> None:
                self.resumed += 1
                wire.data_received(b"y")

            def pause_reading(self) -> None:
                self.paused += 1

        deaf = Deaf()
        wire.connection_made(deaf)
        wire.data_received(b"x" * transport.BUFFER_HIGH)
        assert deaf.paused == 0
        wire.data_received(b"x")
        wire.buffer.clear()
        waiting = asyncio.create_task(wire.more())
        await asyncio.sleep(0)
        wire.data_received(b"z")
        assert await waiting
        return deaf.paused, deaf.resumed

    assert asyncio.run(go()) == (1, 1)


def test_link_failures_are_findings_of_the_link() -> None:
    assert LinkDown("silent").finding() == Finding(Verdict.FAULTY, "silent", {})
    assert Late().finding().verdict is Verdict.UNKNOWN


@contextlib.contextmanager
def handshaking(certificate: Path) -> Iterator[int]:
    """A device that completes every handshake and says nothing afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    kept: list[socket.socket] = []

    def greet(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            kept.append(context.wrap_socket(connection, server_side=True))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=greet, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for one in kept:
        one.close()


def test_a_handshake_that_is_given_up_at_any_moment_leaves_no_socket_behind(certificate: Path) -> None:
    """On a busy loop the deadline falls between the steps of a dial; the next dial gets the same file descriptor."""

    async def busy() -> None:
        while True:
            await asyncio.sleep(0)
            time.sleep(0.001)

    async def dial_once(port: int, names: ThreadPoolExecutor, deadline_s: float) -> None:
        until = asyncio.get_running_loop().time() + deadline_s
        place = Place("127.0.0.1", port, True, True)
        with contextlib.suppress(Failure):
            (await transport.dial(place, names, transport.tls_context(), until)).close()

    async def go(port: int) -> None:
        hogging = asyncio.create_task(busy())
        with ThreadPoolExecutor(1) as names:
            for attempt in range(80):
                await dial_once(port, names, 0.004 + attempt % 20 / 2000)
        hogging.cancel()

    def ours(port: int) -> int:
        """Sockets of this process that lead to the server (its own ends have the port as theirs)."""
        own = (one for one in psutil.Process().net_connections("tcp") if one.raddr)
        return sum(one.raddr.port == port for one in own)

    with handshaking(certificate) as port:
        asyncio.run(go(port))
        assert ours(port) == 0
