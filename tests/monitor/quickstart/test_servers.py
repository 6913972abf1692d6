"""Our own PostgreSQL, Valkey and mail catcher: real ones, on places that nobody else can reach."""

from __future__ import annotations

import os
import signal
import smtplib
import stat
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis

from monitor import env
from monitor.quickstart import mailcatcher, postgres, processes, valkey
from monitor.quickstart.ports import any_free
from monitor.quickstart.postgres import Postgres, ServerError
from monitor.quickstart.processes import Identity

PATIENCE_S = 10.0
ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="root's way around PostgreSQL's refusal")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the part of root's shared home."""
    home = tmp_path_factory.mktemp("home") / "shared"
    monkeypatch.setattr(postgres, "SHARED_HOMES", (Path("/proc/nowhere"), home))
    return home


def test_an_ordinary_user_keeps_data_and_socket_below_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "nobody", lambda: None)
    monkeypatch.setattr(postgres, "SOCKET_PATH_LIMIT", 1000)
    server = postgres.place(tmp_path, "pw")
    assert (server.data, server.socket) == (tmp_path / "postgres/data", tmp_path / "postgres/socket")
    assert server.identity is None
    assert mode(server.socket) == mode(tmp_path / "postgres") == 0o700
    assert not server.exists


@pytest.mark.parametrize("spare", [0, 1])
def test_a_socket_path_too_long_for_the_kernel_moves_to_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    length = len(os.fsencode(tmp_path / "socket" / postgres.SOCKET_NAME))
    monkeypatch.setattr(postgres, "SOCKET_PATH_LIMIT", length - spare)
    folder = postgres.short_socket(tmp_path)
    try:
        assert (folder == tmp_path / "socket") is (spare == 0)
        assert mode(folder) == 0o700
    finally:
        folder.rmdir()


def test_the_address_names_socket_and_password_safely(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Postgres(Path("/bin"), Path("/d"), Path("/a b/socket"), "p/w", None)
    monkeypatch.setenv("DATABASE_URL", server.address())
    found = env.database("DATABASE_URL")
    assert (found["HOST"], found["NAME"], found["PASSWORD"]) == ("/a b/socket", "viewkeeper", "p/w")


def test_no_network_and_no_password_in_the_process_list() -> None:
    program = Postgres(Path("/bin"), Path("/d"), Path("/s"), "hunter2", None, postgres.CARELESS).program()
    assert "listen_addresses=" in program.argv
    assert "fsync=off" in program.argv
    assert not [word for word in program.argv if "hunter2" in word]


def test_an_installation_keeps_its_name(tmp_path: Path) -> None:
    name = postgres.installation(tmp_path)
    assert postgres.installation(tmp_path) == name
    (tmp_path / "other").mkdir()
    assert postgres.installation(tmp_path / "other") != name


@needs_root
def test_as_root_the_server_runs_as_nobody_and_no_foreign_folder_is_touched(tmp_path: Path, shared: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [mode(folder) for folder in (closed, tmp_path, postgres.source(), Path.home())]
    server = postgres.place(closed, "pw")
    assert server.identity is not None
    assert server.identity.uid != 0
    assert shared in server.data.parents
    assert shared in server.binaries.parents
    assert (server.data.stat().st_uid, mode(server.data)) == (server.identity.uid, 0o700)
    assert (server.socket.stat().st_uid, mode(server.socket)) == (server.identity.uid, 0o700)
    assert [mode(folder) for folder in (closed, tmp_path, postgres.source(), Path.home())] == before


@needs_root
def test_the_copy_is_made_once_and_readable_by_all(shared: Path) -> None:
    first = postgres.shared_binaries(postgres.shared_home())
    made = first.stat().st_ctime_ns
    assert postgres.shared_binaries(postgres.shared_home()).stat().st_ctime_ns == made
    copies = [path for path in shared.rglob("*") if not path.is_symlink()]
    assert all(mode(path) & 0o044 == 0o044 for path in copies)
    assert len(list(shared.iterdir())) == 1


@needs_root
@pytest.mark.parametrize("spoil", ["others", "owner", "link"])
def test_a_shared_home_that_others_could_change_is_not_used(shared: Path, tmp_path: Path, spoil: str) -> None:
    if spoil == "link":
        shared.symlink_to(tmp_path)
    else:
        shared.mkdir()
        if spoil == "others":
            shared.chmod(0o757)
        else:
            os.chown(shared, 65_534, 65_534)
    with pytest.raises(ServerError, match="no place for the database"):
        postgres.shared_home()


def test_losing_the_race_for_the_copy_is_no_failure(tmp_path: Path) -> None:
    made, final = tmp_path / "made", tmp_path / "final"
    for folder in (made, final):
        folder.mkdir()
        (folder / "file").touch()
    postgres.move_unless_there(made, final)
    assert final.exists()
    with pytest.raises(FileNotFoundError):
        postgres.move_unless_there(tmp_path / "none", tmp_path / "nowhere" / "final")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One of our own, started once for the tests of this file."""
    var = tmp_path_factory.mktemp("a place with spaces")
    made = postgres.place(var, "pass word", postgres.CARELESS)
    postgres.initialise(made)
    process = processes.spawn(made.program(), var / "postgres.log")
    postgres.wait_ready(made, process)
    yield made
    processes.stop(process, made.program().stop, PATIENCE_S)
    if ROOT:
        subprocess.run(["/bin/rm", "-rf", str(made.data.parent)], check=True)


def test_the_database_is_there_and_only_the_password_opens_it(server: Postgres) -> None:
    with psycopg2.connect(server.address()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('listen_addresses'), upper('é')")
        assert cursor.fetchone() == ("viewkeeper", "", "É")
    connection.close()
    wrong = Postgres(server.binaries, server.data, server.socket, "wrong", None)
    assert postgres.answers(server) is True
    assert postgres.answers(wrong) is False


def test_making_the_database_again_changes_nothing(server: Postgres) -> None:
    assert server.exists
    postgres.ensure_database(server)
    assert postgres.answers(server)


def test_no_password_file_is_left(server: Postgres) -> None:
    assert [path.name for path in server.socket.iterdir() if path.suffix == ".tmp"] == []


def test_a_data_folder_that_cannot_be_made_is_told_in_one_line(server: Postgres, tmp_path: Path) -> None:
    socket = postgres.own_folder(tmp_path / "socket", server.identity)
    broken = Postgres(server.binaries, Path("/proc/data"), socket, "pw", server.identity)
    with pytest.raises(ServerError, match="cannot initialise /proc/data") as refused:
        postgres.initialise(broken)
    assert "\n" not in str(refused.value)


def test_a_server_that_ends_at_once_is_told(server: Postgres, tmp_path: Path) -> None:
    broken = Postgres(server.binaries, tmp_path / "none", tmp_path, "pw", server.identity)
    process = processes.spawn(broken.program(), tmp_path / "log")
    with pytest.raises(ServerError, match="does not start"):
        postgres.wait_ready(broken, process)


def test_without_the_wheels_the_variables_to_set_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerError, match="set DATABASE_URL"):
        postgres.source()
    with pytest.raises(ServerError, match="set REDIS_URL"):
        valkey.binary()


def test_a_machine_without_a_valkey_in_the_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    with pytest.raises(ServerError, match="s390x"):
        valkey.binary()


def test_valkey_answers_only_to_its_password_and_hides_it(tmp_path: Path) -> None:
    made = valkey.place(tmp_path, "pass")
    assert mode(tmp_path / "valkey.conf") == 0o600
    program = made.program()
    assert not [word for word in program.argv if "pass" in Path(word).name]
    process = processes.spawn(program, tmp_path / "valkey.log")
    try:
        valkey.wait_ready(made, process)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=made.port).ping()
        client = redis.Redis.from_url(made.address(valkey.DATABASES - 1))
        assert client.config_get("bind", "save") == {"bind": "127.0.0.1", "save": ""}
        client.close()
    finally:
        processes.stop(process, program.stop, PATIENCE_S)
    assert valkey.answers(made) is False


def test_a_valkey_that_ends_at_once_is_told(tmp_path: Path) -> None:
    made = valkey.place(tmp_path, "pass")
    (tmp_path / "valkey.conf").write_text("nonsense")
    with pytest.raises(ServerError, match="Valkey does not start"):
        valkey.wait_ready(made, processes.spawn(made.program(), tmp_path / "log"))


def send(port: int, subject: str = "North entrance 离线") -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "a@example", "b@example"
    mail.set_content("text 文字")
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_S) as client:
        client.send_message(mail, to_addrs=["b@example", "c@example"])


def test_a_mail_is_kept_as_it_was_sent_with_its_recipients(tmp_path: Path) -> None:
    port, folder = any_free(), tmp_path / "mail"
    controller = mailcatcher.serve(port, folder)
    try:
        send(port)
    finally:
        controller.stop()
    (path,) = folder.glob("*.eml")
    mail = message_from_bytes(path.read_bytes())
    assert mail.get_all("X-Envelope-To") == ["b@example", "c@example"]
    assert mail.get_payload(decode=True).decode() == "text 文字\r\n"  # type: ignore[union-attr]
    assert (mode(folder), mode(path)) == (0o700, 0o600)


def test_the_oldest_mails_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailcatcher, "KEPT", 2)
    catcher = mailcatcher.Catcher(tmp_path)
    kept = [catcher.keep(str(number).encode()) for number in range(4)]
    assert sorted(tmp_path.iterdir()) == kept[2:]
    assert [path.read_bytes() for path in kept[2:]] == [b"2", b"3"]


def test_the_catcher_as_a_program_ends_when_told(tmp_path: Path) -> None:
    port = any_free()
    argv = [sys.executable, "-m", "monitor.quickstart.mailcatcher", str(port), str(tmp_path / "mail")]
    base = Path(__file__).parents[3]
    child = processes.spawn(processes.Program("mail", argv, os.environ, base), tmp_path / "log")

    def sent() -> bool:
        try:
            send(port)
        except OSError:
            return False
        return True

    try:
        assert processes.wait_until(sent, PATIENCE_S)
    finally:
        assert processes.stop(child, signal.SIGTERM, PATIENCE_S) is True
    assert child.returncode == 0


def test_nobody_is_given_only_what_is_ours(tmp_path: Path) -> None:
    folder = postgres.own_folder(tmp_path / "ours", Identity(os.getuid(), os.getgid()), 0o711)
    assert mode(folder) == 0o711


def test_redis_databases_of_parallel_workers_differ() -> None:
    from tests.servers import own_number

    addresses = [own_number("redis://:pw@127.0.0.1:6379/0", worker) for worker in ("gw0", "gw1")]
    assert [urlsplit(address).path for address in addresses] == ["/4", "/5"]
    assert own_number("redis://h:1", "") == "redis://h:1/4"
