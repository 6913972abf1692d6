"""One virtual device: its state (faults, clock, lock-out, what it was asked), apart from what it answers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from monitor.simulator import scenes
from monitor.simulator.auth import DigestGate, Lockout, Login, User, UsernameToken, WsseGate, check_basic
from monitor.simulator.faults import CHANNEL_SCOPES, FAULTS, LOCK_S, Faults, FaultValue, number, parse_faults
from monitor.simulator.plan import DevicePlan, SceneSpec
from monitor.simulator.soap import Call

BEIJING = timezone(timedelta(hours=8), "CST")
REQUESTS_KEPT = 2_000
WSSE_TOLERANCE_S = 30.0
OTHER_PASSWORD = "-changed-on-site"  # noqa: S105 - appended to the plan's password, so that it is another one

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AuthMode:
    """Which logins a device takes: UsernameTokens in SOAP, HTTP digest by algorithm, HTTP basic; HTTP in SOAP too."""

    wsse: bool = True
    algorithms: tuple[str, ...] = ("MD5",)
    basic: bool = False
    soap_http: bool = True
    open: bool = False


AUTH: Mapping[str, AuthMode] = {
    "digest": AuthMode(),
    "digest_sha256": AuthMode(algorithms=("SHA-256", "MD5")),
    "digest_only": AuthMode(wsse=False),
    "wsse_only": AuthMode(soap_http=False),
    "basic": AuthMode(algorithms=(), basic=True),
    "none": AuthMode(open=True),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as a device saw it. `operation` is empty for what is no SOAP; `status` 0: never answered."""

    at: datetime
    method: str
    path: str
    operation: str
    credentials: bool
    status: int


@dataclass(slots=True)
class View:
    """What one lens sees: the device's own (key of the device) or that of a recorder's channel."""

    key: str
    scene: SceneSpec
    planned: Mapping[str, FaultValue]
    faults: dict[str, FaultValue]
    frame: int = 0
    frozen_at: datetime | None = None
    frozen_jpeg: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Device:
    """A device's state. All but `picture` runs on the server's event loop."""

    def __init__(self, plan: DevicePlan, now: Clock) -> None:
        self.plan = plan
        self.faults: dict[str, FaultValue] = parse_faults(plan.faults)
        self.requests: deque[Recorded] = deque(maxlen=REQUESTS_KEPT)
        self.lockout = Lockout()
        self.mode = AUTH[plan.auth]
        self.port = 0
        self._now = now
        self._started = now()
        self._wsse = WsseGate()
        self._digest = DigestGate(self.mode.algorithms)
        self.views = self._make_views()

    def _make_views(self) -> dict[str, View]:
        """The lenses by profile token."""
        if self.plan.channels:
            return {
                f"Profile_{number}": View(channel.key, channel.scene, channel.faults, parse_faults(channel.faults))
                for number, channel in enumerate(self.plan.channels, 1)
            }
        return {"Profile_1": View(self.plan.key, self.plan.scene, {}, {})}

    # -- faults

    def change_faults(self, key: str, changes: Mapping[str, object]) -> None:
        """Set or (false, null) remove faults of the device or of one of its channels; raises `FaultError`."""
        own = key == self.plan.key
        typed = parse_faults(changes) if own else parse_faults(changes, CHANNEL_SCOPES)
        current = self.faults if own else self._channel(key).faults
        for name in changes:
            current.pop(name, None)
        current.update(typed)
        self._faults_changed(changes)

    def clear_faults(self, key: str, *, to_plan: bool = False) -> None:
        """Remove all faults of the device or one channel, or go back to those of the plan."""
        own = key == self.plan.key
        current, planned = (
            (self.faults, self.plan.faults) if own else (self._channel(key).faults, self._channel(key).planned)
        )
        gone = dict(current)
        current.clear()
        if to_plan:
            current.update(parse_faults(planned))
        self._faults_changed(gone)

    def faults_of(self, key: str) -> Faults:
        """The faults set on the device itself or on one of its channels."""
        return self.faults if key == self.plan.key else self._channel(key).faults

    def _channel(self, key: str) -> View:
        return next(view for view in self.views.values() if view.key == key)

    def _faults_changed(self, names: Mapping[str, object]) -> None:
        if "lockout_after" in names:
            self.lockout.reset()
        for view in self.views.values():
            if "frozen" not in {**self.faults, **view.faults}:
                view.frozen_at, view.frozen_jpeg = None, b""

    # -- clock

    def clock(self) -> datetime:
        """What the device believes the time is, in UTC."""
        now = self._now()
        if "clock_dead" in self.faults:
            return datetime(int(number(self.faults, "clock_dead")), 1, 1, tzinfo=UTC) + (now - self._started)
        return now + timedelta(seconds=number(self.faults, "clock_offset_s"))

    # -- login

    @property
    def user(self) -> User:
        """The one user that the device knows."""
        changed = OTHER_PASSWORD if "wrong_password" in self.faults else ""
        return User(self.plan.username, self.plan.password + changed)

    def check_soap(self, call: Call, header: str, target: str, client: str) -> Login:
        """Check the login of a SOAP call: its UsernameToken first, else its Authorization header."""
        if self.mode.wsse and call.token is not None:
            return self._count(self._check_token(call.token), client)
        if call.token is not None and not header:
            return Login.ABSENT
        return self.check_http(header, "POST", target, client) if self.mode.soap_http else Login.ABSENT

    def _check_token(self, token: UsernameToken) -> Login:
        return self._wsse.check(
            token,
            self.user,
            self.clock(),
            needs_z="created_needs_z" in self.faults,
            tolerance_s=number(self.faults, "wsse_tolerance_s", WSSE_TOLERANCE_S),
        )

    def check_http(self, header: str, method: str, target: str, client: str) -> Login:
        """Check an Authorization header."""
        if self.mode.basic:
            outcome = check_basic(header, self.user)
        else:
            outcome = self._digest.check(
                header, method, target, self.user, self._now(), single_use="stale_each" in self.faults
            )
        return self._count(outcome, client)

    def _count(self, outcome: Login, client: str) -> Login:
        if self.locked_s(client):
            return Login.ABSENT if outcome is Login.ABSENT else Login.REFUSED
        if outcome is Login.WORKED:
            self.lockout.worked(client)
        elif outcome is Login.REFUSED and "lockout_after" in self.faults:
            self.lockout.refuse(
                client, self._now(), int(number(self.faults, "lockout_after")), number(self.faults, "lockout_s", LOCK_S)
            )
        return outcome

    def locked_s(self, client: str) -> int:
        """Seconds for which this client is still locked out."""
        return self.lockout.remaining_s(client, self._now()) if "lockout_after" in self.faults else 0

    def challenges(self, *, stale: bool) -> list[str]:
        """The values of WWW-Authenticate."""
        if self.mode.basic:
            return ['Basic realm="IP Camera"']
        return self._digest.challenges(self._now(), stale=stale)

    def asked_within(self, span: timedelta) -> int:
        """How many requests came in the last while."""
        since = self._now() - span
        return sum(one.at > since for one in self.requests)

    # -- pictures

    def snapshot_faults(self, view: View) -> dict[str, FaultValue]:
        """The device's faults with those of a channel on top."""
        return {**self.faults, **view.faults}

    def picture(self, view: View) -> bytes:
        """The JPEG of a lens, now. Takes CPU time: call it in a thread of its own."""
        with view.lock:
            faults = self.snapshot_faults(view)
            if "frozen" in faults:
                return self._frozen_picture(view, faults)
            view.frame += 1
            return self._draw(view, faults, self._now())

    def warm(self, view: View) -> None:
        """Draw the still layer of a lens ahead of its next picture. Takes CPU time as `picture` does."""
        with view.lock:
            at = view.frozen_at or self._now()
            width, height = self.plan.size
            scenes.still_layer(view.scene, at.astimezone(BEIJING), (width, height), self.snapshot_faults(view))

    def _frozen_picture(self, view: View, faults: Faults) -> bytes:
        view.frozen_at = view.frozen_at or self._now()
        if "frozen_clock_runs" in faults:
            return self._draw(view, faults, view.frozen_at)
        view.frozen_jpeg = view.frozen_jpeg or self._draw(view, faults, view.frozen_at)
        return view.frozen_jpeg

    def _draw(self, view: View, faults: Faults, at: datetime) -> bytes:
        drawn = {name: value for name, value in faults.items() if FAULTS[name].scope in CHANNEL_SCOPES}
        width, height = self.plan.size
        return scenes.jpeg(
            view.scene,
            at.astimezone(BEIJING),
            (width, height),
            faults=drawn,
            frame=view.frame,
            clock=self.clock().astimezone(BEIJING),
        )
