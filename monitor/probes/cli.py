"""Polls one device once for a person who watches: every request, what was learned, the verdicts and what to do.

No Django, no database, no broker: the management command `probe` only hands its arguments over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from devices import addresses
from monitor import causes, vision
from monitor.causes import CAUSES, UNKNOWN_OURS, UNKNOWN_THEIRS
from monitor.health import status
from monitor.policy import Policy
from monitor.probes import soap
from monitor.probes.session import Session
from monitor.probes.visit import visit
from monitor.wire import Aspect, Credential, Finding, Reading, Request, Subject, Target, Tier, Verdict

EXIT_OK, EXIT_FAULTY, EXIT_USAGE = 0, 1, 2
# A person's look may ask more at once than a poll (DESIGN, decision 3): a device seen first needs eight requests.
LOOK_BURST: Final = 8
MAX_DEADLINE_S: Final = 600.0
MAX_REFERENCE_BYTES: Final = 32 * 1024 * 1024
ASPECTS: Final = (Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK, Aspect.PICTURE, Aspect.IDENTITY)
_PORTS: Final = {"http": 80, "https": 443}
_SHOWN: Final[Mapping[Aspect, tuple[str, ...]]] = {
    Aspect.CLOCK: ("offset_s",),
    Aspect.PICTURE: ("label", "width", "height"),
    Aspect.IDENTITY: ("manufacturer", "model", "firmware", "serial"),
}


class UsageError(Exception):
    """The command was given something it cannot work with; the message is one clear line."""


class Writer(Protocol):
    """Where text goes: a file, or Django's wrapper of one."""

    def write(self, text: str, /) -> object:
        """Write a line that ends with its line feed."""

    def flush(self) -> object:
        """Show what was written."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to poll."""

    scheme: str
    host: str
    port: int
    path: str = ""
    credential: Credential | None = None
    model: bytes = b""
    deadline_s: float = float(Policy().deadline_s)
    loopback: bool = field(default=False)


def _split(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path of a URL or of a bare host[:port]."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        if parts.scheme not in _PORTS:
            raise UsageError(f"{parts.scheme}:// is not understood; give http://, https:// or host[:port].")
        if "@" in parts.netloc:
            raise UsageError(
                "No user or password in the URL, it would stay in the shell's history: "
                "use --username and --password-env."
            )
        return parts.scheme, parts.hostname or "", parts.port, parts.path + (f"?{parts.query}" if parts.query else "")
    except ValueError:
        raise UsageError("This URL cannot be read; an example: http://192.0.2.10:8000/onvif/device_service") from None


def _is_this_machine(host: addresses.Host) -> bool:
    if host.address is not None:
        return host.address.is_loopback
    return host.text == "localhost" or host.text.endswith(".localhost")


def parse_url(url: str) -> Options:
    """Where to dial. Loopback is allowed where the URL says so: who types it decides."""
    scheme, name, port, path = _split(url)
    try:
        host = addresses.parse_host(name)
        loopback = _is_this_machine(host)
        addresses.check_host(name, loopback=loopback)
    except ValueError as exc:
        raise UsageError(str(exc)) from None
    if port == 0:
        raise UsageError("Port 0 cannot be dialled.")
    return Options(scheme, host.text, port or _PORTS[scheme], path if path != "/" else "", loopback=loopback)


def _credential(username: str | None, variable: str | None, environ: Mapping[str, str]) -> Credential | None:
    if not username and not variable:
        return None
    if not username or not variable:
        raise UsageError("--username and --password-env belong together.")
    if variable not in environ:
        raise UsageError(f"The environment variable {variable} is not set.")
    return Credential(username, environ[variable])


def _reference(path: str | None) -> bytes:
    """The camera model learned from a reference picture."""
    if not path:
        return b""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_REFERENCE_BYTES)
        return vision.learn([vision.decode(data)]).dumps()
    except OSError as exc:
        raise UsageError(f"The reference {path} cannot be read: {exc.strerror}.") from None
    except vision.Refused as exc:
        raise UsageError(f"The reference {path} is no picture that can be judged against: {exc}.") from None


def options(
    url: str,
    *,
    environ: Mapping[str, str],
    username: str | None = None,
    password_env: str | None = None,
    reference: str | None = None,
    deadline_s: float = float(Policy().deadline_s),
) -> Options:
    """Check everything that was given; raise `UsageError` with one clear line."""
    where = parse_url(url)
    if not 0 < deadline_s <= MAX_DEADLINE_S:
        raise UsageError(f"--deadline must be more than 0 and at most {MAX_DEADLINE_S:.0f} seconds.")
    return Options(
        scheme=where.scheme,
        host=where.host,
        port=where.port,
        path=where.path,
        credential=_credential(username, password_env, environ),
        model=_reference(reference),
        deadline_s=deadline_s,
        loopback=where.loopback,
    )


def target(chosen: Options) -> Target:
    """The visit that looks at everything once."""
    passport = {"device_path": chosen.path} if chosen.path else {}
    subject = Subject(0, frozenset(Tier), passport=passport, model=chosen.model)
    return Target(
        endpoint_id=0,
        zone="",
        host=chosen.host,
        port=chosen.port,
        subjects=(subject,),
        scheme=chosen.scheme,
        credential=chosen.credential,
        loopback=chosen.loopback,
        deadline_s=chosen.deadline_s,
        burst=LOOK_BURST,
    )


def run(chosen: Options, out: Writer, *, as_json: bool = False) -> int:
    """Poll once and write the result; returns the exit code."""
    teller = None if as_json else Teller(out)
    soap.warm()
    reading = asyncio.run(_visit(chosen, teller))
    findings = {aspect: reading.findings.get(aspect) or Finding(Verdict.UNKNOWN, "not_looked") for aspect in ASPECTS}
    if as_json:
        out.write(json.dumps(report(chosen, reading, findings), ensure_ascii=False, default=str) + "\n")
    else:
        out.write(table(findings, reading.took_ms) + learned(reading.passport))
    healthy = all(finding.verdict is Verdict.OK for finding in findings.values())
    return EXIT_OK if healthy else EXIT_FAULTY


async def _visit(chosen: Options, teller: Teller | None) -> Reading:
    session = Session()
    try:
        readings = await visit(target(chosen), session, teller)
    finally:
        session.close()
    return readings[0]


def report(chosen: Options, reading: Reading, findings: Mapping[Aspect, Finding]) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "address": f"{chosen.scheme}://{_authority(chosen)}{chosen.path}",
        "took_ms": round(reading.took_ms, 1),
        "status": status({aspect: finding.verdict for aspect, finding in findings.items()}).value,
        "learned": {name: value for name, value in reading.passport.items() if value},
        "aspects": {aspect.value: _aspect(aspect, finding, reading.facts) for aspect, finding in findings.items()},
    }


def _authority(chosen: Options) -> str:
    return f"[{chosen.host}]:{chosen.port}" if ":" in chosen.host else f"{chosen.host}:{chosen.port}"


def _aspect(aspect: Aspect, finding: Finding, facts: Mapping[str, Any]) -> dict[str, Any]:
    known = {**facts, **finding.detail} if aspect is Aspect.IDENTITY else finding.detail
    shown = {name: known.get(name) for name in _SHOWN.get(aspect, ())}
    if aspect is Aspect.IDENTITY:  # the serial that answers, also where another was expected
        shown = {name: facts.get(name) for name in shown}
    return {"verdict": finding.verdict.value, "cause": finding.cause, "detail": dict(finding.detail), **shown}


class Teller:
    """Writes each step of a visit as it happens."""

    def __init__(self, out: Writer) -> None:
        self._out = out

    def __call__(self, step: str, finding: Finding | None, request: Request | None) -> None:
        """Called by the visit."""
        if request is not None:
            line = f"{request.took_ms:8.1f} ms  {request.what:<22} {request.address}  {request.outcome}"
        elif finding is not None:
            line = f"{'':>11}  -> {step}: {finding.verdict.value}{_facts(finding.detail)}"
        else:
            return
        self._out.write(line + "\n")
        self._out.flush()


def _facts(detail: Mapping[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in detail.items() if value not in ("", None))


class _Words(dict[str, Any]):
    """Parameters of a sentence; one that the finding does not have is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def words(finding: Finding) -> tuple[str, str]:
    """What was seen and what to do about it; "" where there is nothing to do."""
    if finding.cause not in CAUSES:
        return UNKNOWN_THEIRS.get(finding.cause) or UNKNOWN_OURS.get(finding.cause, ""), ""
    detail = dict(finding.detail)
    if "offset_s" in detail:
        ahead = float(detail["offset_s"])
        detail["offset"] = f"{duration(ahead)} {'fast' if ahead >= 0 else 'slow'}"
    if "share" in detail:
        detail["share"] = f"{int(float(detail['share']) * 100)} %"
    if "wait_s" in detail:
        detail["wait"] = duration(float(detail["wait_s"]))
    told = " ".join(text % _Words(detail) for text in causes.sentences(finding.cause, detail))
    return told, causes.next_step(finding.cause, detail)


def duration(seconds: float) -> str:
    """A span for a person, in its two largest units, cut: 8 h 0 min, 6 min 40 s, 12 s."""
    whole = int(abs(seconds))
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = [
        (whole // size % (limit // size), unit)
        for (unit, size), limit in zip(sizes, (10**12, 86_400, 3_600, 60), strict=True)
    ]
    start = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[start : start + 2])


def learned(passport: Mapping[str, Any]) -> str:
    """What the visit has learned about the device, to be kept in its passport."""
    known = ", ".join(f"{name} {value}" for name, value in passport.items() if value)
    return f"  learned   {known}\n" if known else ""


def table(findings: Mapping[Aspect, Finding], took_ms: float) -> str:
    """The verdicts, each with its cause in words and the next step."""
    lines = ["", f"{status({aspect: one.verdict for aspect, one in findings.items()}).value}, in {took_ms:.0f} ms"]
    for aspect, finding in findings.items():
        seen, next_step = words(finding)
        lines.append(f"  {aspect.value:<9} {finding.verdict.value:<8} {seen}".rstrip())
        if next_step:
            lines.append(f"{'':<20} {next_step}")
    return "\n".join(lines) + "\n"
