"""Small mistakes in a Python module, made on its syntax tree: what a careless hand could have written instead.

Left alone is what no test should pin: docstrings, annotations, log lines, `repr`s and the words of exceptions.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

Make = Callable[[ast.AST], ast.AST | None]

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
LOGS = ("log", "logger", "logging")
UNTOUCHED = ("__repr__", "__str__")


@dataclass(frozen=True)
class Place:
    """One mistake: at which node of the module, as counted by `_nodes`, and which of its mistakes."""

    node: int
    variant: int
    line: int


def places(source: str) -> list[Place]:
    """Every mistake that can be made in a module."""
    return [
        Place(number, variant, getattr(node, "lineno", 0))
        for number, node in enumerate(_nodes(ast.parse(source)))
        for variant in range(len(_mistakes(node)))
    ]


def mutate(source: str, place: Place) -> str:
    """The module with one mistake in it."""
    tree = ast.parse(source)
    target = list(_nodes(tree))[place.node]
    replacement = _mistakes(target)[place.variant](copy.deepcopy(target))
    changed = _Replace(target, replacement).visit(tree)
    return ast.unparse(ast.fix_missing_locations(changed))


class _Replace(ast.NodeTransformer):
    """Puts one node in the place of another; a statement that goes away leaves `pass` behind."""

    def __init__(self, target: ast.AST, replacement: ast.AST | None) -> None:
        self.target = target
        self.replacement = replacement if replacement is not None else ast.Pass()

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace the target, walk on elsewhere."""
        if node is self.target:
            return self.replacement
        visited: ast.AST = self.generic_visit(node)
        return visited


# -- which nodes


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be mistaken, always in the same order."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "type_params", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _left_alone(child):
                yield child
                if not isinstance(child, ast.Raise):  # its words are nobody's business
                    yield from _nodes(child)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name in UNTOUCHED
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or _logs(node.value)
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)


def _logs(value: ast.expr) -> bool:
    function = value.func if isinstance(value, ast.Call) else None
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id in LOGS


# -- which mistakes


def _mistakes(node: ast.AST) -> list[Make]:
    for kind, makers in MAKERS.items():
        if isinstance(node, kind):
            return makers(node)
    return []


def _compare(node: ast.AST) -> list[Make]:
    assert isinstance(node, ast.Compare)
    return [
        partial(_with_operator, index, other())
        for index, operator in enumerate(node.ops)
        for other in COMPARED[type(operator)]
    ]


def _with_operator(index: int, operator: ast.cmpop, node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Compare)
    node.ops[index] = operator
    return node


def _and_or(_node: ast.AST) -> list[Make]:
    def swap(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.BoolOp)
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node

    return [swap]


def _not(node: ast.AST) -> list[Make]:
    assert isinstance(node, ast.UnaryOp)
    return [lambda one: getattr(one, "operand", None)] if isinstance(node.op, ast.Not | ast.USub) else []


def _arithmetic(node: ast.AST) -> list[Make]:
    assert isinstance(node, ast.BinOp | ast.AugAssign)
    other = COMPUTED.get(type(node.op))
    if other is None or (isinstance(node, ast.BinOp) and _is_text(node.left)):
        return []

    def swap(one: ast.AST) -> ast.AST:
        assert isinstance(one, ast.BinOp | ast.AugAssign)
        one.op = other()
        return one

    return [swap, *([_gone] if isinstance(node, ast.AugAssign) else [])]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _constant(node: ast.AST) -> list[Make]:
    assert isinstance(node, ast.Constant)
    value = node.value
    if isinstance(value, bool):
        return [lambda _one: ast.Constant(not value)]
    if isinstance(value, int | float):
        return [lambda _one: ast.Constant(value + 1), lambda _one: ast.Constant(value - 1)]
    if isinstance(value, str) and value and not set(value) & set(" \n.%"):
        return [lambda _one: ast.Constant(f"{value}x")]
    return []


def _condition(_node: ast.AST) -> list[Make]:
    def negate(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.If | ast.IfExp | ast.While)
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    return [negate]


def _return(node: ast.AST) -> list[Make]:
    assert isinstance(node, ast.Return)
    if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
        return []
    return [lambda _one: ast.Return(ast.Constant(None))]


def _statement(node: ast.AST) -> list[Make]:
    removable = isinstance(node, ast.Continue | ast.Break | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
    )
    return [_gone] if removable else []


def _gone(_node: ast.AST) -> None:
    return None


MAKERS: dict[type[ast.AST] | tuple[type[ast.AST], ...], Callable[[ast.AST], list[Make]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _and_or,
    ast.UnaryOp: _not,
    (ast.BinOp, ast.AugAssign): _arithmetic,
    ast.Constant: _constant,
    (ast.If, ast.IfExp, ast.While): _condition,
    ast.Return: _return,
    (ast.Expr, ast.Continue, ast.Break, ast.Raise): _statement,
}
