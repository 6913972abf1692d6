"""Specification of the causes: each has its words, its place, and parameters that a detail can fill."""

from __future__ import annotations

import re

import pytest

from monitor import words
from monitor.causes import (
    ADDITIONS,
    CAUSES,
    UNKNOWN_OURS,
    UNKNOWN_THEIRS,
    VENDOR_STEPS,
    Category,
    Cause,
    gettext_noop,
)
from monitor.models import Incident
from monitor.probes import vendor
from monitor.wire import Aspect

ALL = pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES.keys())
# What findings carry, and what `words` makes of it.
DETAIL = {
    "share": 0.6,
    "offset_s": 28_800,
    "device_time": "1970-01-01 00:03",
    "content": "text/html",
    "rate": "1 B/s",
    "limit": 6,
    "status": 403,
    "serial": "B",
    "expected": "A",
    "down": 24,
    "of": 24,
    "port": 80,
    "page": "Wireless Router",
}


@ALL
def test_a_cause_says_what_it_is_what_was_seen_and_what_to_do(cause: Cause) -> None:
    assert cause.title and not cause.title.endswith(".")
    assert cause.sentence.endswith(".")
    assert cause.next_step.endswith(".")


@ALL
def test_a_sentence_asks_for_nothing_a_finding_cannot_say(cause: Cause) -> None:
    spoken = words.sentence(cause.key, DETAIL)

    assert "%" not in spoken
    assert spoken != cause.title


@ALL
def test_parameters_are_named(cause: Cause) -> None:
    assert re.sub(r"%\((\w+)\)s", "", cause.sentence).count("%") == 0


@ALL
def test_a_cause_fits_its_column(cause: Cause) -> None:
    assert len(cause.key) <= Incident._meta.get_field("cause").max_length  # type: ignore[operator]


def test_names_are_unique_between_faults_and_the_unknown() -> None:
    names = [*CAUSES, *UNKNOWN_OURS, *UNKNOWN_THEIRS]

    assert len(names) == len(set(names))
    assert all(key == cause.key for key, cause in CAUSES.items())


def test_a_dark_link_outranks_a_covered_lens_and_that_a_login() -> None:
    def worst(category: Category) -> int:
        return min(cause.rank for cause in CAUSES.values() if cause.category is category)

    assert worst(Category.OFFLINE) < worst(Category.OBSTRUCTED) < worst(Category.PICTURE) < worst(Category.LOGIN)


@pytest.mark.parametrize(
    ("aspect", "categories"),
    [
        (Aspect.LINK, {Category.OFFLINE}),
        (Aspect.ACCESS, {Category.LOGIN}),
        (Aspect.CLOCK, {Category.LOGIN}),
        (Aspect.IDENTITY, {Category.LOGIN}),
        (Aspect.PICTURE, {Category.OBSTRUCTED, Category.PICTURE, Category.LOGIN}),
    ],
)
def test_an_aspect_counts_in_its_numbers(aspect: Aspect, categories: set[Category]) -> None:
    assert {cause.category for cause in CAUSES.values() if cause.aspect is aspect} == categories


def test_only_a_covered_lens_counts_as_obstructed() -> None:
    assert [cause.key for cause in CAUSES.values() if cause.category is Category.OBSTRUCTED] == ["obstructed"]


def test_menus_and_additions_belong_to_causes_that_there_are() -> None:
    makers = {one.key for one in vendor.VENDORS}

    assert {cause for cause, _ in VENDOR_STEPS} | {cause for cause, _ in ADDITIONS} <= set(CAUSES)
    assert {maker for _, maker in VENDOR_STEPS} <= makers
    assert all(text.endswith(".") for text in [*VENDOR_STEPS.values(), *ADDITIONS.values()])


def test_marking_a_text_does_not_change_it() -> None:
    assert gettext_noop("Offline") == "Offline"
