"""Recorded replies of real devices, where they lie beside the project; a bare clone has its own replies only."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "onvif"
FILES = sorted(FOLDER.glob("*.xml"))
needs_recordings = pytest.mark.skipif(not FILES, reason="the recorded replies (../shared/data/onvif) are not here")
