"""`dosa_timeloop.csv`: Timeloop and Accelergy on Gemmini-like accelerators, under mappings that the table states."""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.loopnest import LayerCost, evaluate_mapping
from dna_jax.hardware.mapping import Mapping
from dna_jax.hardware.notation import parse_mapping
from dna_jax.hardware.templates.gemmini import gemmini_architecture
from dna_jax.hardware.validation.table import (
    Comparison,
    Context,
    Row,
    SkippedRow,
    TableResult,
    number,
    row_name,
    sort_rows,
    whole_number,
)
from dna_jax.workload import Layer, Workload, workload_from_layers

CONFIGURATION = "gemmini, stated mappings"
_TARGETS = ("target.cycle", "target.energy", "target.edp", "target.area")


@functools.cache
def _structure() -> Architecture:
    """Names and fan-outs, which all sizes share; the notation needs no more."""
    return gemmini_architecture(1.0, 1.0, 1.0)


def mapped_layer(row: Row, architecture: Architecture | None = None) -> tuple[Layer, Mapping]:
    """The layer and the mapping of a row, on Gemmini if no architecture is given; words stand for bytes, so that all
    operands are a byte wide.

    Raises:
      SkippedRow: if they cannot be read.
    """
    size = {name: whole_number(row, f"prob.{name}") for name in ("K", "C", "P", "Q", "R", "S", "N")}
    steps = [(whole_number(row, f"prob.W{kind}"), whole_number(row, f"prob.H{kind}")) for kind in ("stride", "dilation")]
    if any(across != down for across, down in steps):
        raise SkippedRow("steps differ between rows and columns")
    layer = Layer("row", **size, stride=steps[0][0], dilation=steps[1][0], partial_bits=8)
    try:
        mapping = parse_mapping(row["mapping.mapping"], architecture or _structure())
    except (KeyError, ValueError) as error:
        raise SkippedRow("the mapping cannot be read") from error
    covered = np.prod(mapping.temporal, axis=0) * np.prod(mapping.spatial, axis=0)
    if np.any(covered < np.asarray(workload_from_layers([layer]).bounds[0])):
        raise SkippedRow("the mapping does not cover the layer")
    return layer, mapping


def require_room(mapping: Mapping, sizes: Sequence[float]) -> None:
    """SkippedRow if a mapping lays out more over a fan-out than its size."""
    if np.any(np.prod(mapping.spatial, axis=1) > np.asarray(sizes)):
        raise SkippedRow("the mapping lays out more than the array holds")


def stack_mappings(mappings: Sequence[Mapping]) -> Mapping:
    """Mappings side by side, with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *mappings)


@jax.jit
def evaluate_gemmini(
    workload: Workload, mapping: Mapping, mesh: jax.Array, accumulator_words: jax.Array, scratchpad_words: jax.Array
) -> LayerCost:
    """Cost of layers under their mappings, each on an accelerator of its own sizes; all [rows]."""

    def one(layer, mapping, mesh, accumulator, scratchpad):
        return evaluate_mapping(layer, gemmini_architecture(mesh, accumulator, scratchpad, mesh.dtype, 1.0), mapping)

    return jax.vmap(one)(workload, mapping, mesh, accumulator_words, scratchpad_words)


@jax.vmap
def _area(mesh: jax.Array, accumulator_words: jax.Array, scratchpad_words: jax.Array) -> jax.Array:
    return gemmini_architecture(mesh, accumulator_words, scratchpad_words, mesh.dtype).total_area_mm2


def _read(row: Row, context: Context):
    name = row.get("arch.name", "")
    # A table may lack a quantity; an entry that it has must be a number.
    targets = [number(row, column) if column in row else math.nan for column in _TARGETS]
    if name == "gemmini":
        layer, mapping = mapped_layer(row)
        sizes = [number(row, f"arch.{column}") for column in ("meshX", "mem1_entries", "mem2_entries")]
        require_room(mapping, [sizes[0], sizes[0]])
        return (CONFIGURATION, None), (layer, mapping, sizes, targets)
    described = context.description(name)
    if described is None:
        raise SkippedRow(f"no template or description of accelerator {name!r}")
    layer, mapping = mapped_layer(row, described.architecture)
    require_room(mapping, [float(size) for size in described.architecture.fanout_size])
    return (f"{name}, stated mappings", described), (described.at_widths(layer), mapping, [], targets)


def _price(
    described: Accelerator | None, workload: Workload, mapping: Mapping, sizes: np.ndarray
) -> tuple[LayerCost, np.ndarray]:
    """Cost and area of each row."""
    if described is None:
        mesh, accumulator, scratchpad = jnp.asarray(sizes).T
        cost = evaluate_gemmini(workload, mapping, mesh, accumulator, scratchpad)
        return cost, np.asarray(_area(mesh, accumulator, scratchpad))
    architecture = described.architecture
    cost = jax.jit(jax.vmap(lambda layer, mapping: evaluate_mapping(layer, architecture, mapping)))(workload, mapping)
    return cost, np.full(len(sizes), float(architecture.total_area_mm2))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Cycles, energy, energy-delay product and area of each row."""
    found = sort_rows(rows, lambda row: _read(row, context))
    comparisons = []
    for (configuration, described), entries in found.groups.items():
        layers, mappings, sizes, targets = zip(*(content for _, content in entries), strict=True)
        workload = workload_from_layers(layers, dtype=jnp.float64)
        cost, area = _price(described, workload, stack_mappings(mappings), np.array(sizes))
        cycles, microjoules = np.asarray(cost.cycles), np.asarray(cost.energy_pj) * 1e-6
        reference = np.array(targets).T
        make = functools.partial(
            Comparison,
            configuration,
            macs=np.array([layer.macs for layer in layers], float),
            names=[row_name(index, rows[index]) for index, _ in entries],
        )
        priced = [
            make(quantity="cycles", reference=reference[0], predicted=cycles),
            make(quantity="energy", reference=reference[1], predicted=microjoules),
            make(quantity="edp", reference=reference[2], predicted=microjoules * cycles * 1e-6),
            make(quantity="area", reference=reference[3], predicted=area, macs=None),
        ]
        comparisons += [comparison for comparison in priced if not np.isnan(comparison.reference).any()]
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
