"""Specification of sealing: what was sealed comes out whole, for its place, with a key of its zone, and not else."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from monitor.sealing import Opener, Sealer

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


@pytest.mark.parametrize("data", [b"", b"x", b"picture" * 3000])
def test_what_was_sealed_comes_out(data: bytes) -> None:
    assert Opener([NEW])(Sealer([NEW])(data, "here"), "here") == data


def test_the_newest_key_seals_and_older_ones_still_open() -> None:
    by_old, by_new = Sealer([OLD])(b"data", "here"), Sealer([NEW, OLD])(b"data", "here")

    assert Opener([NEW, OLD])(by_old, "here") == b"data"
    assert (Opener([NEW])(by_new, "here"), Opener([OLD])(by_new, "here")) == (b"data", None)


def test_what_is_foreign_moved_or_damaged_does_not_open() -> None:
    sealed = Sealer([NEW])(b"data", "here")
    damaged = [bytes((*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :])) for at in range(len(sealed))]

    assert Opener([FOREIGN])(sealed, "here") is None
    assert Opener([NEW])(sealed, "there") is None
    assert {Opener([NEW])(one, "here") for one in damaged} == {None}
    assert {Opener([NEW])(sealed[:length], "here") for length in range(len(sealed))} == {None}


def test_two_processes_never_share_a_key_nor_two_pictures_a_nonce() -> None:
    one, other = Sealer([NEW]), Sealer([NEW])
    sealed = [one(b"same", "here"), one(b"same", "here"), other(b"same", "here")]

    assert len({item[:16] for item in sealed}) == 2
    assert len({item[16:] for item in sealed}) == 3
