"""A bank of normal states, and how far the edges of a picture agree with them.

A state is one accepted picture, reduced to the direction of its edges (3 bits a cell of 3 x 3 px).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.vision.features import CELL_COLUMNS, CELL_ROWS, Features, Field
from monitor.vision.planes import COLUMNS, ROWS, Plane
from monitor.vision.tone import Phase, Tone, tone_of

# Codes of a cell: 0 no edge, 1..7 the doubled direction in seven equal parts.
_DIRECTIONS = 7
_WEAK = 0.25
_UNIT = np.concatenate([[0], np.exp(2j * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS)]).astype(np.complex64)

_FEW_EDGES = np.float32(1.0)
_CELLS_A_BLOCK = (CELL_ROWS // ROWS) * (CELL_COLUMNS // COLUMNS)
_CELLS = CELL_ROWS * CELL_COLUMNS
_EACH_CELL = np.arange(_CELLS)
_COSINES, _SINES = np.ascontiguousarray(_UNIT.real)[:, None], np.ascontiguousarray(_UNIT.imag)[:, None]

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One normal state: its phase, edge codes per cell, and its tone."""

    phase: Phase
    codes: Codes
    tone: Tone

    @property
    def field(self) -> Field:
        """The edge directions as unit vectors, zero where there is no edge."""
        return directions(self.codes)


def encode(features: Features, phase: Phase) -> State:
    """A picture as a state of the bank."""
    turn = np.angle(features.field) * (_DIRECTIONS / (2 * np.pi))
    codes = np.rint(turn).astype(np.int16) % _DIRECTIONS + 1
    codes[np.abs(features.field) < _WEAK] = 0
    return State(phase, codes.astype(np.uint8), tone_of(features))


def directions(codes: Codes) -> Field:
    """Edge codes as unit vectors, zero where there is no edge."""
    return np.asarray(_UNIT[codes])


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """States side by side: their codes (states x rows x columns), and how many cells of each block have an edge."""

    codes: Codes
    edges: Plane

    @property
    def weight(self) -> Plane:
        """The share of cells with an edge per block, the mean over states."""
        return np.asarray(self.edges.mean(0) * np.float32(1 / _CELLS_A_BLOCK))


def bank_of(states: Iterable[State]) -> Bank:
    """Put states side by side."""
    codes = np.array([state.codes for state in states], dtype=np.uint8)
    return Bank(codes, _block_sum((codes != 0).view(np.uint8)).astype(np.float32))


def agreement(state: State, field: Field) -> Plane:
    """How far a picture's edges agree with a state, per block: 1 all of them, 0 by chance, negative across."""
    return np.asarray(agreements(bank_of([state]), field)[0])


def agreements(bank: Bank, field: Field) -> Plane:
    """The agreement of a picture's edges with each of some states, per block."""
    # What each cell agrees with each direction is worked out once, whatever the number of states.
    by_code = _COSINES * field.real.ravel() + _SINES * field.imag.ravel()
    index = bank.codes.reshape(len(bank.codes), -1).astype(np.intp)
    index *= _CELLS
    index += _EACH_CELL
    cells = by_code.ravel().take(index)
    return np.asarray(_block_sum(cells) / (bank.edges + _FEW_EDGES))


def best_agreement(bank: Bank, field: Field) -> Plane:
    """The agreement of each block with the state that fits it best."""
    return np.asarray(agreements(bank, field).max(0))


def _block_sum(cells: NDArray[Any]) -> NDArray[Any]:
    """Sums over the cells of each block, per state."""
    groups = cells.reshape(-1, CELL_COLUMNS // COLUMNS)
    across = groups[:, 0] + groups[:, 1] + groups[:, 2] + groups[:, 3]
    rows = across.reshape(-1, ROWS, CELL_ROWS // ROWS, COLUMNS)
    return np.asarray(rows[:, :, 0] + rows[:, :, 1] + rows[:, :, 2])
