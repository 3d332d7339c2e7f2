"""`scalesim_compute.csv`: cycles of SCALE-Sim on systolic arrays, memories left out."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.systolic import DATAFLOWS, systolic
from dna_jax.hardware.validation.table import (
    Comparison,
    Context,
    Row,
    SkippedRow,
    TableResult,
    convolution,
    number,
    row_name,
    sort_rows,
)


def _read(row: Row):
    if row.get("mode") != "compute":
        raise SkippedRow("a mode other than compute")
    if row.get("dataflow") not in DATAFLOWS:
        raise SkippedRow("an unknown dataflow")
    array = int(number(row, "array_h")), int(number(row, "array_w")), row["dataflow"]
    return array, (convolution(row), number(row, "total_cycles"))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Compute cycles of each row."""
    found = sort_rows(rows, _read)
    comparisons = []
    for (height, width, dataflow), entries in found.groups.items():
        layers = [layer for _, (layer, _) in entries]
        # What streams need not fit a memory, for memories are left out.
        accelerator = systolic(height, width, dataflow, sram_bytes=np.inf, dtype=jnp.float64)
        mapped = map_layers(accelerator, layers)
        comparisons.append(
            Comparison(
                f"{height}x{width} {dataflow}",
                "cycles",
                np.array([cycles for _, (_, cycles) in entries]),
                np.asarray(mapped.cost.compute_cycles),
                np.array([layer.macs for layer in layers], float),
                [row_name(index, rows[index]) for index, _ in entries],
            )
        )
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
