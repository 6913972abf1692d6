"""What is held true of each device, how it came to be, and where the hours went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from monitor.availability import Hour
from monitor.health import Change, State, Status, Track
from monitor.wire import Aspect

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

STATUSES = [
    (Status.UNKNOWN, _("Unknown")),
    (Status.OFFLINE, _("Offline")),
    (Status.AUTH_FAILED, _("Login refused")),
    (Status.DEGRADED, _("Degraded")),
    (Status.ONLINE, _("Online")),
]
STATES = [
    (State.UNKNOWN, _("unknown")),
    (State.OK, _("ok")),
    (State.SUSPECT, _("suspect")),
    (State.FAULTY, _("faulty")),
    (State.RECOVERING, _("recovering")),
]
ASPECTS = [
    (Aspect.LINK, _("Link")),
    (Aspect.ACCESS, _("Login")),
    (Aspect.CLOCK, _("Clock")),
    (Aspect.PICTURE, _("Picture")),
    (Aspect.IDENTITY, _("Identity")),
    (Aspect.RECORDING, _("Recording")),
]


class DeviceState(models.Model):
    """One row per device: status, the tracks of its aspects, the last picture's note, the running hour.

    No index stands on anything a reading changes, so that PostgreSQL updates in place (HOT; DESIGN, decision 4).
    `tracks` maps aspect to `health.Track`, `hour` is an `availability.Hour`, both as plain JSON.
    """

    device = models.OneToOneField("devices.Device", models.CASCADE, primary_key=True, related_name="state")
    status = models.CharField(_("status"), max_length=12, choices=STATUSES, default=Status.UNKNOWN)
    status_since = models.DateTimeField(null=True)
    tracks = models.JSONField(default=dict)
    hour = models.JSONField(default=dict)
    looked_at = models.DateTimeField(_("last look"), null=True)
    picture_at = models.DateTimeField(_("last picture"), null=True)
    picture = models.JSONField(default=dict)
    picture_file = models.CharField(max_length=120, blank=True)
    trail = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("device state")
        verbose_name_plural = _("device states")

    def __str__(self) -> str:
        return f"{self.device_id} {self.status}"

    def read_tracks(self) -> dict[Aspect, Track]:
        """The tracks of all aspects that were ever looked at."""
        return read_tracks(self.tracks)

    def write_tracks(self, tracks: Mapping[Aspect, Track]) -> None:
        """Keep tracks as plain JSON."""
        self.tracks = plain_tracks(tracks)

    def read_hour(self) -> Hour | None:
        """The running hour, if one runs."""
        return read_hour(self.hour)

    def write_hour(self, hour: Hour) -> None:
        """Keep the running hour as plain JSON."""
        self.hour = plain_hour(hour)


_ASPECTS = {str(aspect): aspect for aspect in Aspect}
_STATES = {str(state): state for state in State}
_HOUR = tuple(item.name for item in fields(Hour) if item.name != "start")


def plain_tracks(tracks: Mapping[Aspect, Track]) -> dict[str, dict[str, object]]:
    """Tracks as JSON values, by the names of their aspects."""
    return {aspect.value: _plain_track(track) for aspect, track in tracks.items()}


def read_tracks(data: Mapping[str, Mapping[str, Any]]) -> dict[Aspect, Track]:
    """Tracks out of their plain form."""
    return {_ASPECTS[name]: _track(item) for name, item in data.items()}


def _plain_track(track: Track) -> dict[str, object]:
    """Only what differs from empty, so that a row stays narrow. Written out: this runs for each aspect of a reading."""
    plain: dict[str, object] = {"state": track.state.value, "ring": track.ring, "seen": track.seen}
    for name, at in (("since", track.since), ("at", track.at), ("blank_at", track.blank_at)):
        if at is not None:
            plain[name] = at.isoformat()
    if track.marks:
        plain["marks"] = [mark.isoformat() for mark in track.marks]
    if track.cause or track.detail:
        plain |= {"cause": track.cause, "detail": dict(track.detail)}
    if track.rival:
        plain["rival"] = track.rival
    if track.blanks or track.why:
        plain |= {"blanks": track.blanks, "why": track.why}
    return plain


def _track(data: Mapping[str, Any]) -> Track:
    get = data.get
    return Track(
        _STATES[get("state", "unknown")],
        get("ring", 0),
        get("seen", 0),
        _when(get("since")),
        tuple(map(datetime.fromisoformat, get("marks", ()))),
        _when(get("at")),
        _when(get("blank_at")),
        get("cause", ""),
        get("detail", {}),
        get("rival", ""),
        get("blanks", 0),
        get("why", ""),
    )


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def plain_hour(hour: Hour) -> dict[str, object]:
    """A running hour as JSON values, without its zeros."""
    booked = {name: value for name in _HOUR if (value := getattr(hour, name))}
    return {"start": hour.start.isoformat(), **booked}


def read_hour(data: Mapping[str, Any]) -> Hour | None:
    """A running hour out of its plain form, None where none runs."""
    return Hour(**{**data, "start": datetime.fromisoformat(data["start"])}) if data else None


class Passport(models.Model):
    """What was learned about a device once and is relearned when it fails (domain: 设备适配档案), and its facts."""

    device = models.OneToOneField("devices.Device", models.CASCADE, primary_key=True, related_name="passport")
    learned = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    facts_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("quirk passport")
        verbose_name_plural = _("quirk passports")

    def __str__(self) -> str:
        return str(self.device_id)


class Transition(models.Model):
    """One aspect's state changed: true since `at`, known since `decided_at`. Append-only."""

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="transitions")
    aspect = models.CharField(max_length=12, choices=ASPECTS)
    was = models.CharField(max_length=12, choices=STATES)
    now = models.CharField(max_length=12, choices=STATES)
    at = models.DateTimeField()
    decided_at = models.DateTimeField()
    cause = models.CharField(max_length=32, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        indexes = (models.Index(name="transition_device_at", fields=("device", "-at")),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.aspect}: {self.was} → {self.now}"

    @classmethod
    def made(cls, device_id: int, aspect: Aspect, change: Change) -> Transition:
        """The row of a change."""
        return cls(
            device_id=device_id,
            aspect=aspect,
            was=change.was,
            now=change.now,
            at=change.at,
            decided_at=change.decided_at,
            cause=change.cause,
            detail=dict(change.detail),
        )


class RawReading(models.Model):
    """A reading as it came: of what is not ok, of pictures and of looks. Kept for a few days (DESIGN, decision 14).

    The table is partitioned by day of `at`; its partitions are made and dropped by `monitor.partitions`, and so it
    is not Django's to manage. `findings` maps aspect to verdict, cause and detail; `requests` are those of the visit.
    """

    device = models.ForeignKey(
        "devices.Device", models.DO_NOTHING, related_name="raw_readings", db_constraint=False, db_index=False
    )
    at = models.DateTimeField()
    took_ms = models.FloatField()
    looked = models.BooleanField(default=False)
    findings = models.JSONField(default=dict)
    picture = models.JSONField(default=dict)
    requests = models.JSONField(default=list)

    class Meta:
        managed = False
        db_table = "monitor_rawreading"
        verbose_name = _("raw reading")
        verbose_name_plural = _("raw readings")

    def __str__(self) -> str:
        return f"{self.device_id} {self.at:%H:%M:%S}"


class RealField(models.FloatField[float, float]):
    """A number of four bytes: seconds of an hour to a thousandth, at half the room of Django's."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - as Django calls it
        """PostgreSQL's `real`."""
        return "real"


class DeviceHour(models.Model):
    """Where the seconds of one hour of one device went (see `availability.Hour`). Append-only.

    Twenty-four rows for each device and day are nearly all that grows for ever (DESIGN, decision 14): hence no key of
    their own, no index beside it but a few pages of BRIN, and the narrowest types.
    """

    pk = models.CompositePrimaryKey("device", "start")
    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="hours", db_index=False)
    start = models.DateTimeField()
    online_s = RealField()
    offline_s = RealField()
    usable_s = RealField()
    clock_ok_s = RealField()
    blind_s = RealField()
    excluded_s = RealField()
    looks = models.PositiveSmallIntegerField()
    pictures = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("device hour")
        verbose_name_plural = _("device hours")
        indexes = (BrinIndex(name="device_hour_start", fields=("start",)),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.start:%m-%d %H}"

    @classmethod
    def booked(cls, device_id: int, hour: Hour) -> DeviceHour:
        """The row of a closed hour."""
        return cls(device_id=device_id, **asdict(hour))
