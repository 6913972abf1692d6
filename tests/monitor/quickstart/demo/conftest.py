"""A demo that is loaded quickly: a few days of history, and pictures that are not drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.monitor.quickstart.demo.support import City


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> City:
    """A city with a plan and ports, and a quick demo."""
    # Only here: when this file is read Django is not set up yet.
    from monitor.quickstart.demo import history, load
    from tests.monitor.quickstart.demo.support import SHORT_DAYS, City, undrawn

    monkeypatch.setattr(load, "draw_all", undrawn)
    monkeypatch.setattr(history, "DAYS", SHORT_DAYS)
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VIEWKEEPER_DEMO_MAIL_DIR = tmp_path / "mail"
    (tmp_path / "mail").mkdir()
    return City(tmp_path)
