"""`zigzag.csv`: ZigZag on two accelerators, mapped for the least energy-delay product within a stated spatial mapping."""

import dataclasses
import functools
import re
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.eyeriss import eyeriss_like
from dna_jax.hardware.templates.tpu_like import tpu_like
from dna_jax.hardware.validation.table import (
    Comparison,
    Context,
    Row,
    SkippedRow,
    TableResult,
    convolution,
    number,
    operand_widths,
    row_name,
    sort_rows,
)

_AXIS = re.compile(r"'(D\d)': \[(.*?)\]")
_UNROLLED = re.compile(r"'(\w+); (\d+)'")


def _spatial_mapping(text: str) -> dict[str, dict[str, int]]:
    """Axis of the array -> dimension laid out over it (in ZigZag's names) -> how far."""
    return {axis: {d: int(size) for d, size in _UNROLLED.findall(inside)} for axis, inside in _AXIS.findall(text)}


def _array(row: Row) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", row.get("array", ""))
    if match is None:
        raise SkippedRow("column array is not of the form 32x32")
    return int(match[1]), int(match[2])


def _accelerator(row: Row, context: Context) -> tuple[str, functools.partial[Accelerator] | Accelerator]:
    """Configuration of a row and what makes its accelerator."""
    name = row.get("accelerator", "")
    first, second = _array(row)
    layout = _spatial_mapping(row.get("spatial_mapping", ""))
    over = [set(layout.get(axis, {})) for axis in ("D1", "D2")]
    configuration = f"{name} {first}x{second}"
    if name == "tpu_like" and over[0] <= {"K", "G"} and over[1] <= {"C"}:
        return configuration, functools.partial(tpu_like, float(first), float(second), dtype=jnp.float64)
    if name == "eyeriss_like" and over[0] <= {"OY"} and over[1] <= {"FY", "K", "G"}:
        sets = max(layout["D2"].get("K", 1), layout["D2"].get("G", 1))
        kernel_rows = second // sets
        return configuration, functools.partial(
            eyeriss_like, float(kernel_rows), float(sets), float(first), dtype=jnp.float64
        )
    described = context.description(configuration, name, units=first * second)
    if described is not None:
        return configuration, described
    if name in ("tpu_like", "eyeriss_like"):
        raise SkippedRow(f"a spatial mapping that the template {name} does not have")
    raise SkippedRow(f"no template or description of accelerator {name!r}")


def _read(row: Row, context: Context):
    layer = convolution(row, **operand_widths(row))
    configuration, accelerator = _accelerator(row, context)
    objective = row.get("opt", "").lower()
    if objective not in ("latency", "edp", "energy"):
        raise SkippedRow(f"an unknown objective {row.get('opt')!r}")
    key = accelerator.args if isinstance(accelerator, functools.partial) else accelerator.name
    target = number(row, "latency_total_cycles"), number(row, "energy_total_pJ")
    return (configuration, key, objective), (layer, accelerator, target)


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Cycles and energy of each row under the best mapping of our own mapper."""
    found = sort_rows(rows, lambda row: _read(row, context))
    # Accelerators that differ between layers (as in depthwise ones) belong to one configuration.
    gathered: dict[str, list] = {}
    for (configuration, _, objective), entries in found.groups.items():
        source = entries[0][1][1]
        accelerator = source() if isinstance(source, functools.partial) else source
        candidates = dataclasses.replace(accelerator.candidates, objective=objective)
        mapped = map_layers(dataclasses.replace(accelerator, candidates=candidates), [c[0] for _, c in entries])
        for position, (index, (layer, _, target)) in enumerate(entries):
            priced = mapped.cost.cycles[position], mapped.cost.energy_pj[position]
            gathered.setdefault(configuration, []).append((target, priced, layer.macs, row_name(index, rows[index])))
    comparisons = []
    for configuration, results in gathered.items():
        targets, priced, macs, names = zip(*results, strict=True)
        for column, quantity in enumerate(("cycles", "energy")):
            reference, predicted = (np.array(pairs)[:, column] for pairs in (targets, priced))
            comparisons.append(Comparison(configuration, quantity, reference, predicted, np.array(macs, float), names))
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
