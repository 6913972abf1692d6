"""Specification of the day partitions: there before their day, dropped whole, and nobody waits for them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from monitor import partitions
from monitor.models import RawReading
from monitor.partitions import DAY, DEFAULT, drop_old, ensure

NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def days() -> list[str]:
    return [str(item.day) for item in partitions.partitions() if item.day]


def raw(at: datetime) -> RawReading:
    return RawReading.objects.create(device_id=1, at=at, took_ms=1.0)


def lies_in(row: RawReading) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM monitor_rawreading WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
class TestDays:
    def test_tomorrow_and_the_day_after_have_partitions_by_the_days_of_utc(self) -> None:
        assert ensure(NOW) == 2
        assert days() == ["2026-03-02", "2026-03-03"]

    def test_each_day_adds_one(self) -> None:
        ensure(NOW)

        assert (ensure(NOW), ensure(NOW + DAY)) == (0, 1)

    def test_a_row_lies_in_its_day_or_in_the_default_one(self) -> None:
        ensure(NOW)

        assert lies_in(raw(NOW)) == DEFAULT
        assert lies_in(raw(NOW + timedelta(minutes=30))) == "monitor_rawreading_20260302"
        assert lies_in(raw(NOW + timedelta(hours=24, minutes=30))) == "monitor_rawreading_20260303"

    def test_rows_that_came_before_their_partition_move_into_it(self) -> None:
        early = raw(NOW + DAY)
        ensure(NOW)

        assert lies_in(early) == "monitor_rawreading_20260302"

    def test_a_partition_has_the_index_of_the_whole(self) -> None:
        ensure(NOW)
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'monitor_rawreading_20260302'")
            indexes = " ".join(definition for (definition,) in cursor.fetchall())

        assert "(device_id, at DESC)" in indexes
        assert "(id, at)" in indexes

    def test_sizes_are_told(self) -> None:
        ensure(NOW)

        assert {item.name: item.bytes > 0 for item in partitions.partitions()} == {
            DEFAULT: True,
            "monitor_rawreading_20260302": True,
            "monitor_rawreading_20260303": True,
        }

    def test_a_day_is_dropped_when_its_last_minute_is_too_old(self) -> None:
        ensure(NOW)

        assert drop_old(NOW + 5 * DAY, keep_days=3) == 1  # the 6th, before midnight: the 2nd ended 3.98 days ago
        assert days() == ["2026-03-03"]

    def test_what_is_young_stays(self) -> None:
        ensure(NOW)

        assert drop_old(NOW + 3 * DAY, keep_days=3) == 0

    def test_old_rows_of_the_default_one_go_too(self) -> None:
        old, young = raw(NOW - 4 * DAY), raw(NOW - 2 * DAY)
        drop_old(NOW, keep_days=3)

        assert list(RawReading.objects.filter(pk__in=[old.pk, young.pk])) == [young]


@pytest.fixture
def tidy(transactional_db: None) -> object:
    """Partitions that were really committed are taken away again."""
    yield
    with connection.cursor() as cursor:
        for item in partitions.partitions():
            if item.day:
                cursor.execute(f"DROP TABLE {item.name}")


def by_another(work: object, *arguments: object) -> threading.Thread:
    def run() -> None:
        try:
            assert callable(work)
            work(*arguments)
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("tidy")
class TestAtOnce:
    def test_many_processes_make_each_partition_once(self) -> None:
        for thread in [by_another(ensure, NOW) for _number in range(4)]:
            thread.join(10)

        assert days() == ["2026-03-02", "2026-03-03"]

    def test_a_partition_is_attached_while_somebody_writes_to_another(self) -> None:
        ensure(NOW)
        with transaction.atomic():
            raw(NOW + DAY)
            thread = by_another(ensure, NOW + DAY)
            thread.join(10)
            assert days() == ["2026-03-02", "2026-03-03", "2026-03-04"]

    def test_dropping_gives_up_while_somebody_writes_and_succeeds_afterwards(self) -> None:
        ensure(NOW)
        with transaction.atomic():
            raw(NOW + 2 * DAY)
            thread = by_another(drop_old, NOW + 9 * DAY, 3)
            thread.join(10)
            assert not thread.is_alive()
            assert days() == ["2026-03-02", "2026-03-03"]

        assert drop_old(NOW + 9 * DAY, 3) == 2
