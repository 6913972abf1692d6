"""A sign of life to somebody outside: whoever expects it each minute notices our death, which we cannot tell."""

from __future__ import annotations

import http.client
import logging
import urllib.error
import urllib.request
from typing import Final

log = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0

# http and https only, and no redirect to anywhere else.
_opener = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.HTTPHandler(),
    urllib.request.HTTPSHandler(),
    urllib.request.HTTPErrorProcessor(),
    urllib.request.HTTPDefaultErrorHandler(),
    urllib.request.UnknownHandler(),
):
    _opener.add_handler(_handler)


def send(url: str) -> bool:
    """Fetch the address once and throw the answer away; never raises. Give whether it was taken."""
    try:
        asked = urllib.request.Request(url, headers={"User-Agent": "viewkeeper"})  # noqa: S310 - see `_opener`
        with _opener.open(asked, timeout=PATIENCE_S):
            return True
    except (OSError, ValueError, http.client.HTTPException) as error:
        log.warning("the outside heartbeat was not taken (%s)", type(error).__name__)
        return False
