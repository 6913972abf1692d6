"""Prints the address of this machine's PostgreSQL 15 if Redis 7 answers, too: python -m tests.engines

Nothing is printed where either is missing; their round of the tests is then left out.
"""

from __future__ import annotations

import psycopg2
import redis

ROLES = ("postgres", "root")  # who may connect without a password on a machine made for tests
POSTGRESQL, REDIS = 15, 7  # major versions: production's


def database() -> str:
    """The address of a PostgreSQL that takes us, or nothing."""
    for role in ROLES:
        # The database that every server has: tests and benches make their own beside it.
        address = f"postgresql://{role}@127.0.0.1:5432/postgres"
        try:
            connection = psycopg2.connect(address, connect_timeout=2)
        except psycopg2.OperationalError:
            continue
        version = connection.server_version // 10_000
        connection.close()
        return address if version == POSTGRESQL else ""
    return ""


def queue() -> bool:
    """Whether a Redis of the right version answers."""
    client = redis.Redis(socket_connect_timeout=2)
    try:
        return str(client.info("server")["redis_version"]).startswith(f"{REDIS}.")
    except redis.RedisError:
        return False
    finally:
        client.close()


if __name__ == "__main__":
    print(database() if queue() else "")
