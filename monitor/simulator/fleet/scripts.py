"""The scripts that come with the fleet. See `script` for what a rule says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "calm": {},
    "bench": {
        "rules": [
            {"name": "refusing", "fraction": 0.05, "faults": {"off": True}},
            {"name": "SYN-silent", "fraction": 0.05, "faults": {"deaf": True}},
            {"name": "dripping", "fraction": 0.01, "faults": {"drip": 2.0, "drip_all": True}},
        ]
    },
}
