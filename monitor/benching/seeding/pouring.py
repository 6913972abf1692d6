"""Many rows at once: COPY into a table, with keys taken from its sequence; indexes built when the rows are there."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

NULL = r"\N"
# What PostgreSQL may take to sort an index that is built.
BUILDING_MEMORY = "256MB"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def keys(table: str, count: int) -> range:
    """So many fresh keys of a table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        sequence = cursor.fetchone()[0]
        cursor.execute("SELECT nextval(%s)", [sequence])
        first = int(cursor.fetchone()[0])
        cursor.execute("SELECT setval(%s, %s)", [sequence, first + max(count, 1) - 1])
    return range(first, first + count)


def pour(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of plain values into a table."""
    lines = ("\t".join(map(_text, row)) + "\n" for row in rows)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", io.StringIO("".join(lines)))


def _text(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        value = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    return str(value).translate(_ESCAPED)


@contextmanager
def bare(table: str) -> Iterator[None]:
    """A table without indexes and references while an empty one is filled: they are built at its end, far cheaper."""
    constraints = _ask(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')",
        table,
    )
    kept = [name for name, _definition in constraints]
    indexes = _ask("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", table)
    loose = [(name, definition) for name, definition in indexes if name not in kept]
    with connection.cursor() as cursor:
        # References wait to be checked until the transaction ends, and no table is altered over their heads.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, true)", [BUILDING_MEMORY])
        for name, _definition in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _definition in loose:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for name, definition in constraints:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for _name, definition in loose:
            cursor.execute(definition)


def _ask(statement: str, table: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [table])
        return [(str(name), str(definition)) for name, definition in cursor.fetchall()]
