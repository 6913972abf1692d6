"""What the demo's bar shows, on whichever page it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.translation import gettext as _

from monitor.policy import Policy
from monitor.quickstart.demo import controls, remove
from monitor.quickstart.demo.timing import Press

register = template.Library()


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar: its buttons, the intervals, and the press whose counter runs."""

    acts: list[controls.Act]
    demo: Policy
    production: Policy
    press: Press | None


@register.simple_tag(takes_context=True)
def demo_controls(context: template.Context) -> Bar | None:
    """The bar of a person who may turn the demo's knobs; None for others."""
    request: Any = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not controls.may_play(user):
        return None
    kept = request.session.get("demo_press")
    acts, intervals = controls.acts_for(user), controls.intervals()
    return Bar(acts, intervals["demo"], intervals["production"], Press.from_json(kept) if kept else None)


@register.simple_tag(takes_context=True)
def demo_left(context: template.Context) -> bool:
    """Whether the data of a demo that no longer runs is still here, and the reader is who removes it."""
    user = getattr(context.get("request"), "user", None)
    return user is not None and user.is_authenticated and remove.is_left_for(user)


@register.filter
def told(text: str) -> str:
    """A message id in the reader's language."""
    return _(text)
