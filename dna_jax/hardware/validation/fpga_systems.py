"""`dna_layers.csv`, `dna_system.csv`: networks and whole FPGA pipelines as the release of Auto-NBA lists and prices them."""

import collections
import json
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware.fpga import chunk_of, design_of_vectors, evaluate_pipeline, is_depthwise
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows
from dna_jax.spaces import Design
from dna_jax.workload import Layer

_FIELDS = ("n_in", "n_out", "h_out", "k", "stride_recorded", "depthwise", "bits_used", "accelerator", "macs")


def _network(row: Row, context: Context) -> tuple[list[Layer], Design]:
    """Layers and allocation of the network of a row."""
    known = context.released_networks.get(row.get("net_id", ""))
    if known is None:
        raise SkippedRow("dna_networks.json beside the table does not describe the network")
    return known


def _fields(layer: Layer, allocation: Design) -> tuple[str, ...]:
    """What the release writes of one convolution; of a grouped layer, of one group."""
    depthwise = is_depthwise(layer)
    inputs, outputs = (1, layer.K) if depthwise else (layer.C // layer.groups, layer.K // layer.groups)
    macs = inputs * outputs * layer.P**2 * layer.R**2
    sizes = inputs, outputs, layer.P, layer.R, layer.stride, int(depthwise), layer.weight_bits
    return (*map(str, sizes), chunk_of(layer, allocation).name, str(macs))


def evaluate_expansion(rows: Sequence[Row], context: Context) -> TableResult:
    """Every field of every layer of a network; a table of a network is as long as its list of layers."""
    expected: dict[str, list[tuple[str, ...]]] = {}

    def read(row: Row):
        layers, allocation = _network(row, context)
        name = row["net_id"]
        if name not in expected:
            singles = [layer for layer in layers for _ in range(1 if is_depthwise(layer) else layer.groups)]
            expected[name] = [_fields(layer, allocation) for layer in singles]
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


def evaluate_systems(rows: Sequence[Row], context: Context) -> TableResult:
    """Images a second, DSP slices and block RAMs of whole pipelines."""

    def read(row: Row):
        layers, allocation = _network(row, context)
        try:
            design = allocation | design_of_vectors(json.loads(row.get("design_json", "")))
            _, cost = evaluate_pipeline(layers, design, "released")
        except ValueError as error:
            raise SkippedRow("column design_json holds no design of the chunks that the network needs") from error
        targets = [number(row, column) for column in ("fps", "total_dsp", "total_bram")]
        return row.get("sampler", ""), (targets, [float(cost.fps), float(cost.dsp), float(cost.bram)])

    found = sort_rows(rows, read)
    comparisons = []
    for sampler, entries in found.groups.items():
        values = np.array([content for _, content in entries])
        names = [row_name(index, rows[index]) for index, _ in entries]
        for column, quantity in enumerate(("fps", "dsp", "bram")):
            comparisons.append(Comparison(sampler, quantity, values[:, 0, column], values[:, 1, column], None, names))
    verdicts: collections.Counter[bool] = collections.Counter()
    for entries in found.groups.values():
        for index, (_, (_, dsp, bram)) in entries:
            verdicts[(dsp <= 900 and bram <= 700) == (rows[index].get("feasible") == "1")] += 1
    notes = [f"{verdicts[True]} of {verdicts.total()} pipelines are judged feasible (900 DSP slices, 700 block RAMs) alike"]
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped, notes)
