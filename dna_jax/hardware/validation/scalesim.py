"""`scalesim_compute.csv`: cycles of SCALE-Sim on systolic arrays, memories left out."""

import functools
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
    whole_number,
)


def _read(row: Row, context: Context):
    if row.get("mode") != "compute":
        raise SkippedRow("a mode other than compute")
    height, width, dataflow = whole_number(row, "array_h"), whole_number(row, "array_w"), row.get("dataflow", "")
    configuration = f"{height}x{width} {dataflow}"
    layer, cycles = convolution(row), number(row, "total_cycles")
    if dataflow in DATAFLOWS:
        # What streams need not fit a memory, for memories are left out.
        build = functools.partial(systolic, height, width, dataflow, sram_bytes=np.inf, dtype=jnp.float64)
        return (configuration, None), (build, layer, cycles)
    described = context.description(configuration, dataflow, units=height * width)
    if described is None:
        raise SkippedRow(f"no template or description of dataflow {dataflow!r}")
    return (configuration, described), (lambda: described, described.at_widths(layer), cycles)


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Compute cycles of each row."""
    found = sort_rows(rows, lambda row: _read(row, context))
    comparisons = []
    for (configuration, _), entries in found.groups.items():
        layers = [layer for _, (_, layer, _) in entries]
        mapped = map_layers(entries[0][1][0](), layers)
        comparisons.append(
            Comparison(
                configuration,
                "cycles",
                np.array([cycles for _, (_, _, cycles) in entries]),
                np.asarray(mapped.cost.compute_cycles),
                np.array([layer.macs for layer in layers], float),
                [row_name(index, rows[index]) for index, _ in entries],
            )
        )
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
