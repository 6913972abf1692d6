"""Specification of keeping pictures: whole or not at all, each device in its own name."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from monitor.keeping import SHARDS, drop, forget_old, keep, media
from monitor.models import Picture
from tests import factories

SHA = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_a_picture_is_kept_under_its_role_device_and_hash(folder: Path) -> None:
    name = keep("proof", 300, SHA, b"bytes")

    assert name == "proof/2c/300-0123456789abcdef.jpg"
    assert (folder / name).read_bytes() == media(name).read_bytes() == b"bytes"


def test_devices_are_spread_over_folders() -> None:
    folders = {media(keep("proof", number, SHA, b"")).parent for number in range(SHARDS + 1)}

    assert len(folders) == SHARDS


def test_keeping_leaves_nothing_half_written(folder: Path) -> None:
    keep("proof", 1, SHA, b"one")
    keep("proof", 1, SHA, b"two")

    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"two"]


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        keep("proof", 1, SHA, b"one")

    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_only_we_can_read_pictures(folder: Path) -> None:
    path = media(keep("proof", 1, SHA, b"bytes"))

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o007 == 0


def test_a_dropped_picture_is_gone() -> None:
    name = keep("proof", 1, SHA, b"bytes")
    drop(name)

    assert not media(name).exists()


def test_dropping_what_is_gone_is_fine(folder: Path) -> None:
    drop("proof/00/1-none.jpg")
    drop("")

    assert folder.exists()


# -- retention

NOW = timezone.now()


def days_ago(number: float) -> Any:
    return NOW - timedelta(days=number)


def proof(ended: float | None, **fields: Any) -> Picture:
    """The proof of a fault that began two years ago and ended so many days ago, or goes on."""
    device = fields.pop("of", None) or factories.device()
    ends = None if ended is None else days_ago(ended)
    fault = factories.incident(device, "obstructed", started_at=days_ago(730), ended_at=ends)
    return factories.picture(device, Picture.Role.PROOF, incident=fault, taken_at=days_ago(730), **fields)


@pytest.mark.django_db
class TestForgetting:
    @pytest.fixture(autouse=True)
    def days(self, settings: Settings) -> None:
        settings.VIEWKEEPER_PROOF_DAYS = 365

    def test_a_proof_goes_with_its_file_a_year_after_the_fault_ended(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        old, young = proof(366), proof(364)
        with django_capture_on_commit_callbacks(execute=True):
            assert forget_old(NOW) == 1

        assert (media(old.file).exists(), media(young.file).exists()) == (False, True)
        assert list(Picture.objects.all()) == [young]

    def test_the_proof_of_what_still_lasts_stays(self) -> None:
        proof(None)

        assert forget_old(NOW) == 0

    def test_references_stay_however_old(self) -> None:
        factories.picture(factories.device(), taken_at=days_ago(3000))

        assert forget_old(NOW) == 0

    def test_a_file_that_proves_something_else_too_stays(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        old = proof(366)
        proof(10, of=old.device)
        with django_capture_on_commit_callbacks(execute=True):
            assert forget_old(NOW) == 1

        assert media(old.file).exists()

    def test_what_a_decided_proposal_was_about_goes_too(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        device, by = factories.device(), factories.user()
        old = factories.proposal(device, by, data=factories.jpeg(3), outcome="refused", decided_at=days_ago(366))
        young = factories.proposal(device, by, data=factories.jpeg(4), outcome="granted", decided_at=days_ago(364))
        waiting = factories.proposal(device, by, data=factories.jpeg(5), proposed_at=days_ago(700))
        with django_capture_on_commit_callbacks(execute=True):
            assert forget_old(NOW) == 1

        old.refresh_from_db()
        assert (old.picture, old.outcome) == (None, "refused")
        assert set(Picture.objects.all()) == {young.picture, waiting.picture}
