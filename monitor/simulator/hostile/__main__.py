"""Serve the corpus until standard input ends; prints the ports at the start and what was seen at the end, as JSON.

python -m monitor.simulator.hostile [--trap-port N] [--secret TEXT] [NAME …]   (no name: all; --list tells them)
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import ssl
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.simulator.hostile.corpus import CORPUS, Street

NO_TRAP = 9  # the discard port: nobody listens there
LIFE = datetime.timedelta(days=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitor.simulator.hostile", description="Serve hostile devices.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="the misbehaviours to serve (none: all)")
    parser.add_argument("--trap-port", type=int, default=NO_TRAP, help="the port that false addresses lead to")
    parser.add_argument("--secret", default="", help="a password that nobody may send in clear: counts who does")
    parser.add_argument("--list", action="store_true", help="tell the names and what they do")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(CORPUS)
    if unknown:
        parser.error(f"unknown misbehaviour: {', '.join(sorted(unknown))}; --list tells all")
    if options.list:
        print("\n".join(f"{name:24} {one.doc}" for name, one in CORPUS.items()))
        return 0
    asyncio.run(_serve(options.names or list(CORPUS), options.trap_port, options.secret.encode()))
    return 0


async def _serve(names: Sequence[str], trap_port: int, secret: bytes) -> None:
    street = Street(names, trap_port, server_context())
    await street.open()
    print(json.dumps(street.ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({name: witness.told(secret) for name, witness in street.witnesses.items()}), flush=True)
    street.close()


def server_context() -> ssl.SSLContext:
    """TLS with a certificate made for the occasion."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hostile")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    signed = (
        builder.serial_number(1).not_valid_before(now - LIFE).not_valid_after(now + LIFE).sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.pem"
        path.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context.load_cert_chain(path)
    return context


if __name__ == "__main__":
    sys.exit(main())
