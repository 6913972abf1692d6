"""How often a worker looks for garbage: seldom, as nearly all of what it makes goes away by itself.

A batch makes a hundred thousand objects that live until it is done. With Python's defaults each of them is walked
again and again by the cyclic collector: a tenth of the processor time of a heartbeat (measured).
"""

from __future__ import annotations

import gc

# Young objects before a collection, and how many of those before the older ones are walked, too.
THRESHOLDS = (50_000, 20, 50)


def settle() -> None:
    """Once a worker has loaded what it needs: nothing of that is garbage, and is not looked at any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
