"""Specification of keeping pictures: whole or not at all, each device in its own name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from monitor.keeping import SHARDS, drop, keep, media

SHA = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_a_picture_is_kept_under_its_role_device_and_hash(folder: Path) -> None:
    name = keep("last", 300, SHA, b"bytes")

    assert name == "last/2c/300-0123456789abcdef.jpg"
    assert (folder / name).read_bytes() == media(name).read_bytes() == b"bytes"


def test_devices_are_spread_over_folders() -> None:
    folders = {media(keep("last", number, SHA, b"")).parent for number in range(SHARDS + 1)}

    assert len(folders) == SHARDS


def test_keeping_leaves_nothing_half_written(folder: Path) -> None:
    keep("last", 1, SHA, b"one")
    keep("last", 1, SHA, b"two")

    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"two"]


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        keep("last", 1, SHA, b"one")

    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_only_we_can_read_pictures(folder: Path) -> None:
    path = media(keep("last", 1, SHA, b"bytes"))

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o007 == 0


def test_a_dropped_picture_is_gone() -> None:
    name = keep("last", 1, SHA, b"bytes")
    drop(name)

    assert not media(name).exists()


def test_dropping_what_is_gone_is_fine(folder: Path) -> None:
    drop("last/00/1-none.jpg")
    drop("")

    assert folder.exists()
