"""`dna_layers.csv`, `dna_system.csv`: networks and whole FPGA pipelines as the release of Auto-NBA lists and prices them."""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from dna_jax.hardware.fpga import ChunkCost, PipelineCost, chunk_of, design_of_vectors, evaluate_pipeline, is_depthwise
from dna_jax.hardware.validation.released_network import ReleasedNetwork
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows
from dna_jax.spaces import Chunk
from dna_jax.workload import Layer

_FIELDS = (
    *("block", "op", "n_in", "n_out", "h_out", "k", "stride_recorded", "depthwise", "bits_used", "bits_asked"),
    *("accelerator", "macs"),
)

RELEASED_LIMITS = 900, 700
"""DSP slices and block RAMs by which the column `feasible` goes, those of the release."""


def _fields(network: ReleasedNetwork, layer: Layer) -> tuple[str, ...]:
    """What the release writes of one convolution; of a grouped layer, of one group."""
    depthwise, block = is_depthwise(layer), network.block_of(layer)
    inputs, outputs = (1, layer.K) if depthwise else (layer.C // layer.groups, layer.K // layer.groups)
    macs = inputs * outputs * layer.P**2 * layer.R**2
    sizes = inputs, outputs, layer.P, layer.R, layer.stride, int(depthwise), layer.weight_bits, network.bits[block]
    return str(block), network.operations[block], *map(str, sizes), chunk_of(layer, network.allocation).name, str(macs)


def evaluate_expansion(rows: Sequence[Row], context: Context) -> TableResult:
    """Every field of every layer of a network; a table of a network is as long as its list of layers."""
    expected: dict[str, list[tuple[str, ...]]] = {}

    def read(row: Row):
        network, name = context.released_network(row), row["net_id"]
        if name not in expected:
            singles = [layer for layer in network.layers for _ in range(1 if is_depthwise(layer) else layer.groups)]
            expected[name] = [_fields(network, layer) for layer in singles]
        position = row.get("layer", "")
        if not position.isdigit() or int(position) >= len(expected[name]):
            raise SkippedRow("a layer that the network does not have")
        ours = expected[name][int(position)]
        equal = sum(row.get(field) == value for field, value in zip(_FIELDS, ours, strict=True))
        return name, (equal, float(ours[-1]), number(row, "macs"))

    found = sort_rows(rows, read)
    comparisons, notes = [], []
    for name, entries in found.groups.items():
        equal, ours, theirs = np.array([content for _, content in entries], float).T
        names = [row_name(index, rows[index]) for index, _ in entries]
        everything = np.full(len(entries), float(len(_FIELDS)))
        comparisons.append(Comparison(f"network {name}", "equal fields", everything, equal, None, names))
        comparisons.append(Comparison(f"network {name}", "macs", theirs, ours, None, names))
        if len(entries) != len(expected[name]):
            notes.append(f"network {name} has {len(expected[name])} layers, the table {len(entries)}")
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped, notes)


def _chunks_alike(row: Row, chunks: Mapping[Chunk, ChunkCost], total: PipelineCost) -> tuple[int, int]:
    """How many of the figures that a row has of single chunks and of the verdict are ours, and how many it has.

    These are cycles, DSP slices and block RAMs of every chunk, 0 of those without layers, which chunk is the slowest, and
    whether the pipeline fits.
    """
    cost = {chunk.name: chunk_cost for chunk, chunk_cost in chunks.items()}

    def ours(name: str, part: str) -> float:
        return float(getattr(cost[name], part)) if name in cost else 0.0

    pairs = []
    try:
        for name, cycles in json.loads(row.get("accel_cycles_json") or "{}").items():
            pairs.append((float(cycles), ours(name, "cycles")))
        for name, (dsp, bram) in json.loads(row.get("accel_dsp_bram_json") or "{}").items():
            pairs += [(float(dsp), ours(name, "dsp")), (float(bram), ours(name, "bram"))]
    except (AttributeError, TypeError, ValueError) as error:
        raise SkippedRow("a column of chunks holds no figures by name") from error
    if "bottleneck_accel" in row:
        pairs.append((max(ours(name, "cycles") for name in cost), ours(row["bottleneck_accel"], "cycles")))
    if "feasible" in row:
        fits = float(total.dsp) <= RELEASED_LIMITS[0] and float(total.bram) <= RELEASED_LIMITS[1]
        pairs.append((float(fits), float(row["feasible"] == "1")))
    return sum(math.isclose(*pair, rel_tol=1e-9) for pair in pairs), len(pairs)


def evaluate_systems(rows: Sequence[Row], context: Context) -> TableResult:
    """Images a second, DSP slices and block RAMs of whole pipelines, and of their chunks."""

    def read(row: Row):
        network = context.released_network(row)
        try:
            design = network.allocation | design_of_vectors(json.loads(row.get("design_json", "")))
            chunks, cost = evaluate_pipeline(network.layers, design, "released")
        except ValueError as error:
            raise SkippedRow("column design_json holds no design of the chunks that the network needs") from error
        if not chunks:
            raise SkippedRow("a network without convolutions")
        targets = [number(row, column) for column in ("fps", "total_dsp", "total_bram")]
        alike, figures = _chunks_alike(row, chunks, cost)
        return row.get("sampler", ""), ([*targets, figures], [float(cost.fps), float(cost.dsp), float(cost.bram), alike])

    found = sort_rows(rows, read)
    comparisons = []
    for sampler, entries in found.groups.items():
        theirs, ours = np.array([content for _, content in entries], float).transpose(1, 2, 0)
        names = [row_name(index, rows[index]) for index, _ in entries]
        for column, quantity in enumerate(("fps", "dsp", "bram", "equal figures of chunks")):
            # A table may have none of single chunks.
            stated = theirs[column] > 0
            if stated.any():
                those = [name for name, has in zip(names, stated, strict=True) if has]
                comparisons.append(Comparison(sampler, quantity, theirs[column][stated], ours[column][stated], None, those))
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
