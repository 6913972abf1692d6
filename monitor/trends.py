"""Vegetation: how much of each view is lost against its reference, week by week, and until when it should be pruned.

Each camera with a day reference is measured once a day, by the picture that it has given anyway. A week is one row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from devices.models import Device
from monitor import vision
from monitor.keeping import media
from monitor.models import DeviceState, Picture, ViewWeek

# Cameras measured in one go, at about 15 ms each; housekeeping comes each minute: 50,000 in eight to nine hours.
AT_ONCE = 100
FRESH = timedelta(hours=1)
# A year has two ends of growth: half a year back is enough to tell a trend.
WEEKS_KEPT = 26
# A date further away than this is no reason to send anybody.
HORIZON = timedelta(days=30)


_ADD = """
INSERT INTO monitor_viewweek AS w (device_id, week, measured_on, pictures, lost)
SELECT device_id, %s, %s, (lost IS NOT NULL)::int, COALESCE(lost, 0)
FROM unnest(%s::bigint[], %s::real[]) AS n(device_id, lost)
ON CONFLICT (device_id, week) DO UPDATE SET measured_on = EXCLUDED.measured_on,
    pictures = w.pictures + EXCLUDED.pictures,
    lost = (w.lost * w.pictures + EXCLUDED.lost * EXCLUDED.pictures) / GREATEST(w.pictures + EXCLUDED.pictures, 1)
"""


def measure(now: datetime) -> int:
    """Measure the cameras whose turn it is; give how many were tried. What gives no value is tried again tomorrow."""
    today = timezone.localdate(now)
    due = list(_due(now, today))
    if due:
        losses = [_loss(reference, last) for _, reference, last in due]
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [monday(today), today, [device_id for device_id, *_ in due], losses])
    ViewWeek.objects.filter(week__lt=monday(today) - timedelta(weeks=WEEKS_KEPT)).delete()
    return len(due)


def prune_before(device: Device, today: date) -> date | None:
    """Until when what grows should be pruned; None where nothing grows, or where it leaves more than 30 days.

    Today at the latest where the limit is reached. The running week counts once it has a value.
    """
    weeks = ViewWeek.objects.filter(device=device, pictures__gt=0).order_by("week").values_list("week", "lost")
    first = weeks[0][0] if weeks else today
    points = [((week - first).days, lost) for week, lost in weeks]
    left = vision.days_left(points)
    if left is None:
        return None
    day = max(today, first + timedelta(days=int(points[-1][0] + left)))
    return day if day - today <= HORIZON else None


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def _due(now: datetime, today: date) -> Iterable[tuple[int, str, str]]:
    """Cameras that look normal by day, have a day reference and were not tried today; the files of both pictures."""
    reference = Picture.objects.filter(
        device=OuterRef("device"), role=Picture.Role.REFERENCE, phase="day", retired_at=None
    )
    measured = ViewWeek.objects.filter(device=OuterRef("device"), week=monday(today), measured_on=today)
    fine = DeviceState.objects.filter(
        ~Exists(measured), picture__phase="day", picture__label="normal", picture_at__gte=now - FRESH
    )
    named = fine.annotate(reference=Subquery(reference.values("file")[:1])).filter(reference__isnull=False)
    return named.values_list("device_id", "reference", "picture_file")[:AT_ONCE]


def _loss(reference: str, last: str) -> float | None:
    """What the last picture has lost against the reference; None where it cannot be told, or one of them is gone."""
    try:
        return vision.structure_lost(*(vision.decode(media(name).read_bytes()) for name in (reference, last)))
    except (OSError, vision.Refused):
        return None
