"""`cacti_sram.csv`: area and energy of memories, each row predicted from the table without it."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows

_QUANTITIES = {"area_mm2": "area", "read_energy_pJ": "energy", "write_energy_pJ": "energy"}


def _read(row: Row):
    for column, known in (("banks", "1"), ("rw_ports", "1"), ("cell", "itrs-hp")):
        if row.get(column, known) != known:
            raise SkippedRow(f"memories of {column} {row[column]}, of which there is no table")
    for column in _QUANTITIES:
        number(row, column)
    return number(row, "tech_nm"), (number(row, "size_bytes"), number(row, "width_bits"))


def _predict(node: float, size: float, width: float) -> dict[str, float]:
    """All figures at a point, from committed rows other than that very one."""
    memories = technology.sram(node, without=(size, width))
    return {column: float(memories.lookup(column, jnp.asarray(size), width)) for column in _QUANTITIES}


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Area, and read and write energy together, of each row that lies within the sizes and widths of the others."""
    found = sort_rows(rows, _read)
    skipped = dict(found.skipped)
    comparisons, notes, evaluated = [], [], 0
    for node, entries in found.groups.items():
        known = technology.sram(node)
        (low_size, high_size), (low_width, high_width) = known.range
        inside = []
        for index, (size, width) in entries:
            edge = size in (low_size, high_size) or width in (low_width, high_width)
            if edge and known.holds(size, width):
                skipped.setdefault("at the edge of the table, which cannot be left out", []).append(
                    row_name(index, rows[index])
                )
            else:
                inside.append((index, size, width))
        if known.note:
            notes.append(known.note)
        if not inside:
            continue
        evaluated += len(inside)
        predicted = [_predict(node, size, width) for _, size, width in inside]
        for quantity in ("area", "energy"):
            columns = [column for column, name in _QUANTITIES.items() if name == quantity]
            pairs = [
                (number(rows[index], column), figures[column], f"{row_name(index, rows[index])} {column}")
                for (index, _, _), figures in zip(inside, predicted, strict=True)
                for column in columns
            ]
            reference, ours, names = zip(*pairs, strict=True)
            comparisons.append(Comparison(f"{node:g} nm", quantity, np.array(reference), np.array(ours), None, names))
    return TableResult(len(rows), comparisons, evaluated, skipped, notes)
