"""What a newcomer reads when everything runs: the address, the logins, the next step."""

from __future__ import annotations

import json
from collections.abc import Callable

from monitor.quickstart.layout import Layout

Say = Callable[[str], None]


def greet(address: str, place: Layout, demo: bool, say: Say) -> None:
    """Say where the pages are and how to get in."""
    say("")
    say(f"Viewkeeper is ready: {address}/")
    if demo and place.logins.exists():
        show_logins(place, say)
    else:
        show_first_steps(address, say)
    say("")
    say(f"Logs: {place.log}. Ctrl-C stops everything.")


def show_logins(place: Layout, say: Say) -> None:
    """One login for each role of the demo."""
    people = json.loads(place.logins.read_text())
    width = max((len(person["role"]) for person in people), default=0)
    name_width = max((len(person["username"]) for person in people), default=0)
    say("")
    for person in people:
        say(f"  {person['role']:<{width}}  {person['username']:<{name_width}}  {person['password']}")


def show_first_steps(address: str, say: Say) -> None:
    """How an installation without the demo gets its administrator and its first camera."""
    say("")
    say("  1. In another terminal, make the first administrator:  make admin")
    say(f"  2. Log in at {address}/ and choose “Add a device”: address, user name, password, “Test now”.")
