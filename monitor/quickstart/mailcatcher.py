"""Catches the demo's mails: a real SMTP server on loopback that keeps each mail as a file and sends nothing on.

python -m monitor.quickstart.mailcatcher PORT FOLDER
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor.quickstart.layout import write_private

HOST = "127.0.0.1"
LARGEST_MAIL = 10_000_000  # bytes
KEPT = 2_000  # mails; the oldest go first


class Catcher:
    """Writes each mail into a folder; names sort by time of arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep one mail with the recipients of its envelope on top."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        recipients = "".join(f"X-Envelope-To: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        self.keep(recipients.encode() + content)
        return "250 kept"

    def keep(self, mail: bytes) -> Path:
        """Write a mail, and drop the oldest ones beyond what is kept."""
        self.count += 1
        path = self.folder / f"{time.time_ns():020d}-{self.count:04d}.eml"
        write_private(path, mail)
        for old in sorted(self.folder.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return path


def serve(port: int, folder: Path) -> Controller:
    """A catcher that listens, in a thread of its own."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    controller = Controller(Catcher(folder), hostname=HOST, port=port, data_size_limit=LARGEST_MAIL)
    controller.start()
    return controller


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    port, folder = arguments
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    controller = serve(int(port), Path(folder))
    ended.wait()
    controller.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
