"""Energy and area of on-chip memories: CACTI 7 tables, interpolated in log space over capacity, port width and node."""

import csv
import dataclasses
import functools
import math
import pathlib
from collections.abc import Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.technology.source import THIRD_PARTY

COLUMNS = ("read_energy_pJ", "write_energy_pJ", "area_mm2")
"""What is looked up: picojoules per access over the whole port, square millimetres."""

PORT_BITS = 256
"""Port width where none is given: wide on-chip buffers."""


def _line(knots: np.ndarray, values: np.ndarray, x: jax.Array) -> jax.Array:
    """The polyline through (knots [T], values [T]) at x; its end segments go on for ever.

    The first segment's line, bent at every inner knot: no search for the segment, which would compile to a loop.
    """
    slopes = np.diff(values) / np.diff(knots)
    beyond = jnp.maximum(x[..., None] - knots[1:-1].astype(x.dtype), 0)
    bends = jnp.sum(np.diff(slopes).astype(x.dtype) * beyond, axis=-1)
    return values[0].astype(x.dtype) + slopes[0].astype(x.dtype) * (x - knots[0].astype(x.dtype)) + bends


@dataclasses.dataclass(frozen=True)
class SramTable:
    """CACTI figures of one node on a grid of capacities and port widths.

    Attributes:
      capacity_bytes: ascending, [T].
      width_bits: ascending, [U].
      figures: by column of COLUMNS, [T, U].
    """

    capacity_bytes: np.ndarray
    width_bits: np.ndarray
    figures: Mapping[str, np.ndarray]

    def lookup(self, column: str, capacity_bytes: jax.Array, width_bits: jax.Array | float = float(PORT_BITS)) -> jax.Array:
        """`column` at `capacity_bytes` and `width_bits` (any shapes that broadcast), log-linear in each."""
        size = jnp.log(capacity_bytes)
        width = jnp.log(jnp.asarray(width_bits, size.dtype))
        size, width = jnp.broadcast_arrays(size, width)
        values = np.log(self.figures[column])
        sizes, widths = np.log(self.capacity_bytes), np.log(self.width_bits)
        by_width = [_line(sizes, values[:, u], size) for u in range(len(widths))]
        if len(widths) == 1:
            return jnp.exp(by_width[0])
        # The same bent line over widths, whose values are now arrays.
        slopes = [(b - a) / float(d) for a, b, d in zip(by_width, by_width[1:], np.diff(widths), strict=False)]
        result = by_width[0] + slopes[0] * (width - float(widths[0]))
        for before, after, knot in zip(slopes, slopes[1:], widths[1:-1], strict=False):
            result = result + (after - before) * jnp.maximum(width - float(knot), 0)
        return jnp.exp(result)


def _fill(values: np.ndarray, sizes: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Logarithms with every hole (nan) filled by the mean of what the lines along both axes say."""
    filled = values.copy()
    for t, u in np.argwhere(np.isnan(values)):
        column, row = ~np.isnan(values[:, u]), ~np.isnan(values[t])
        estimates = []
        if column.sum() > 1:
            estimates.append(np.interp(sizes[t], sizes[column], values[column, u]))
        if row.sum() > 1:
            estimates.append(np.interp(widths[u], widths[row], values[t, row]))
        filled[t, u] = np.mean(estimates)
    return filled


def sram_table_from_rows(rows: Iterable[Mapping[str, str]]) -> SramTable:
    """The table of rows with the columns `size_bytes`, `width_bits` and COLUMNS; what lacks a row is interpolated."""
    entries = {(float(row["size_bytes"]), float(row["width_bits"])): row for row in rows}
    capacities, widths = (np.array(sorted({key[axis] for key in entries})) for axis in (0, 1))
    figures = {}
    for column in COLUMNS:
        logs = np.full((len(capacities), len(widths)), np.nan)
        for (capacity, width), row in entries.items():
            logs[np.searchsorted(capacities, capacity), np.searchsorted(widths, width)] = math.log(float(row[column]))
        figures[column] = np.exp(_fill(logs, np.log(capacities), np.log(widths)))
    return SramTable(capacities, widths, figures)


def read_rows(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a CACTI table that ran without an error."""
    with path.open() as file:
        return [row for row in csv.DictReader(file) if row.get("status", "ok") == "ok"]


@functools.cache
def _rows() -> dict[int, dict[tuple[float, float], dict[str, str]]]:
    """Node -> capacity (bytes) and port width (bits) -> row."""
    rows: dict[int, dict[tuple[float, float], dict[str, str]]] = {}
    for row in read_rows(THIRD_PARTY / "cacti" / "cacti_sram.csv"):
        rows.setdefault(int(row["tech_nm"]), {})[float(row["size_bytes"]), float(row["width_bits"])] = row
    return rows


@functools.cache
def _table(node: int, without: tuple[float, float] | None) -> SramTable:
    return sram_table_from_rows(row for key, row in _rows()[node].items() if key != without)


@dataclasses.dataclass(frozen=True)
class Sram:
    """Memories of one node.

    Attributes:
      node_nm: of the process.
      tables: node and table of the nodes that the figures come from, one or two.
      note: how the figures came about, a sentence; empty where the node has a table of its own.
    """

    node_nm: float
    tables: tuple[tuple[int, SramTable], ...]
    note: str

    def holds(self, capacity_bytes: float, width_bits: float) -> bool:
        """Whether the figures of a memory stand in a table, for this very node."""
        return not self.note and (capacity_bytes, width_bits) in _rows()[self.tables[0][0]]

    @property
    def range(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Least and greatest capacity (bytes) and port width (bits) that all the tables hold."""
        tables = [table for _, table in self.tables]
        return (
            (max(float(t.capacity_bytes.min()) for t in tables), min(float(t.capacity_bytes.max()) for t in tables)),
            (max(float(t.width_bits.min()) for t in tables), min(float(t.width_bits.max()) for t in tables)),
        )

    def lookup(self, column: str, capacity_bytes: jax.Array, width_bits: jax.Array | float = float(PORT_BITS)) -> jax.Array:
        """`column` of COLUMNS at a capacity and port width."""
        figures = [table.lookup(column, capacity_bytes, width_bits) for _, table in self.tables]
        if len(figures) == 1:
            return figures[0]
        (low, _), (high, _) = self.tables
        share = math.log(self.node_nm / low) / math.log(high / low)
        return figures[0] ** (1 - share) * figures[1] ** share


@functools.cache
def sram(node_nm: float, without: tuple[float, float] | None = None) -> Sram:
    """Memories at a node; at one without a table each figure follows the power of the node that the two nearest tables span.

    Args:
      node_nm: of the process.
      without: capacity (bytes) and port width (bits) of a row to leave out, so that its own prediction can be judged.
    """
    nodes = sorted(_rows())
    if node_nm in nodes:
        return Sram(node_nm, ((int(node_nm), _table(int(node_nm), without)),), "")
    low, high = sorted(sorted(nodes, key=lambda node: abs(math.log(node / node_nm)))[:2])
    how = "interpolated between" if low < node_nm < high else "extrapolated from"
    note = f"SRAM at {node_nm:g} nm is {how} {low} and {high} nm, each figure by the power of the node that joins them"
    return Sram(node_nm, tuple((node, _table(node, without)) for node in (low, high)), note)
