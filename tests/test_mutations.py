"""Specification of the mistakes that `make mutants` makes: each kind once, and what is left alone."""

from __future__ import annotations

import ast

import pytest

from tests.mutants import BELONGS, ROOT, belonging, choose, modules
from tests.mutations import mutate, places


def wrong(source: str) -> set[str]:
    """The module after each mistake that changes it."""
    right = ast.unparse(ast.parse(source))
    return {mutate(source, place) for place in places(source)} - {right}


@pytest.mark.parametrize(
    ("right", "mistakes"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a == b", {"a != b"}),
        ("a is b", {"a is not b"}),
        ("a in b", {"a not in b"}),
        ("a < b < c", {"a <= b < c", "a >= b < c", "a < b <= c", "a < b >= c"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("a + b", {"a - b"}),
        ("a | b", {"a & b"}),
        ("a % 'text'", {"a * 'text'", "a % 'textx'"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = True", {"x = False"}),
        ("x = 'word'", {"x = 'wordx'"}),
        ("a if b else c", {"a if not b else c"}),
        ("if a:\n    b", {"if not a:\n    b"}),
        ("while a:\n    break", {"while not a:\n    break", "while a:\n    pass"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("def f():\n    raise E('word')", {"def f():\n    pass"}),
        ("call()", {"pass"}),
        ("a += b", {"a -= b", "pass"}),
    ],
)
def test_the_mistakes_of_each_kind(right: str, mistakes: set[str]) -> None:
    assert wrong(right) == mistakes


@pytest.mark.parametrize(
    "source",
    [
        '"""A module."""',
        "def f():\n    'What it is for'",
        "log.warning('%d words', 7)",
        "x: Literal['word']",
        "def f(a: Literal[7]) -> Literal[8]: ...",
        "class A:\n\n    def __repr__(self):\n        return 'word'",
        "import word",
        "f'{7} words'",
        "x = 'a sentence'",
        "x = None",
        "def f():\n    return None",
        "if TYPE_CHECKING:\n    x = 7",
        "'%d' % n",
    ],
)
def test_what_is_left_alone(source: str) -> None:
    assert wrong(source) == set()


def test_every_module_has_tests() -> None:
    assert {path for path in BELONGS if not (ROOT / path).exists()} == set()
    for path in modules():
        assert all((ROOT / file).exists() for file in belonging(path))


def test_the_nearest_tests_come_first() -> None:
    assert belonging("monitor/probes/reply.py")[0] == "tests/monitor/probes/test_reply.py"
    assert belonging("monitor/health.py") == ["tests/monitor/test_health.py"]


def test_the_same_seed_chooses_the_same_mutants() -> None:
    assert choose("visibility", 5, 1) == choose("visibility", 5, 1) != choose("visibility", 5, 2)
