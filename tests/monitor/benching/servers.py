"""What is on the test run's PostgreSQL."""

from __future__ import annotations

import os

import psycopg2
from psycopg2 import extensions


def databases() -> set[str]:
    """The names of its databases."""
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        return _column(connection, "SELECT datname FROM pg_database")
    finally:
        connection.close()


def names(connection: extensions.connection) -> set[str]:
    """The names of a database's tables."""
    return _column(connection, "SELECT tablename FROM pg_tables")


def _column(connection: extensions.connection, statement: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {name for (name,) in cursor}
