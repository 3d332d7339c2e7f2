"""`zigzag_edge.csv`: ZigZag on the NAHAS edge accelerator, with activations on chip and across the IO link."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.nahas_edge import Activations, EdgeSizes, build_edge
from dna_jax.hardware.templates.nahas_edge_mappings import edge_candidates
from dna_jax.hardware.validation.table import (
    Comparison,
    Context,
    Row,
    SkippedRow,
    TableResult,
    convolution,
    names_with_sizes,
    number,
    operand_widths,
    row_name,
    sort_rows,
    whole_number,
)

_SCENARIOS: dict[str, Activations] = {"dram_all": "off_chip", "act_onchip": "on_chip"}
_SIZES: tuple[str, ...] = (
    "pes_x",
    "pes_y",
    "simd_units",
    "compute_lanes",
    "local_memory_MB",
    "register_file_KB",
    "io_bandwidth_GBps",
)


def _read(row: Row):
    scenario = row.get("scenario", "")
    if scenario not in _SCENARIOS:
        raise SkippedRow(f"an unknown scenario {scenario!r}")
    side = whole_number(row, "H_in")
    layer = convolution(row, input_rows=side, input_columns=side, **operand_widths(row))
    sizes = tuple(number(row, column) for column in _SIZES)
    target = number(row, "latency_total_cycles"), number(row, "energy_total_pJ")
    return (scenario, row.get("config", ""), sizes), (layer, target)


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Cycles and energy of each row, mapped for latency."""
    found = sort_rows(rows, _read)
    comparisons = []
    keys = [(f"{scenario} {name}", dict(zip(_SIZES, sizes, strict=True))) for scenario, name, sizes in found.groups]
    for configuration, ((scenario, _, sizes), entries) in zip(names_with_sizes(keys), found.groups.items(), strict=True):
        architecture = build_edge(EdgeSizes(*sizes), jnp.float64, _SCENARIOS[scenario])
        layers = [layer for _, (layer, _) in entries]
        mapped = map_layers(Accelerator("nahas_edge", architecture, edge_candidates()), layers)
        reference = np.array([target for _, (_, target) in entries])
        macs = np.array([layer.macs for layer in layers], float)
        names = [row_name(index, rows[index]) for index, _ in entries]
        for column, (quantity, predicted) in enumerate((("cycles", mapped.cost.cycles), ("energy", mapped.cost.energy_pj))):
            comparisons.append(Comparison(configuration, quantity, reference[:, column], np.asarray(predicted), macs, names))
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
