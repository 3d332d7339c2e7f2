"""`timeloop.csv`: Timeloop on a row-stationary mesh; its random mapper gives upper bounds of the least cycles."""

import math
import re
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.eyeriss import Eyeriss256Sizes, eyeriss256
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

_BUFFER = re.compile(r"(\w+):(\d+)(kB)?x\d+@(\d+)b bw=(\d+)")


def _sizes(row: Row) -> Eyeriss256Sizes:
    side = math.isqrt(int(number(row, "pes")))
    if side * side != int(number(row, "pes")):
        raise SkippedRow("a mesh that is not square")
    buffers = {name: rest for name, *rest in _BUFFER.findall(row.get("buffers", ""))}
    try:
        words = {name: int(size) for name, (size, _, _, _) in buffers.items()}
        return Eyeriss256Sizes(
            side=side,
            sums=words["PsumRegFile"],
            weights=words["WeightRegFile"],
            inputs=words["InputRegFile"],
            register_words_per_cycle=int(buffers["PsumRegFile"][3]),
            buffer_kib=words["GlobalBuffer"],
            buffer_words_per_cycle=int(buffers["GlobalBuffer"][3]),
            word_bits=int(buffers["GlobalBuffer"][2]),
        )
    except KeyError as error:
        raise SkippedRow(f"column buffers does not state {error.args[0]}") from error


def _read(row: Row, context: Context):
    name, constraints = row.get("arch", ""), row.get("dataflow_constraints", "")
    if (name, constraints) == ("eyeriss256", "rowstationary"):
        sizes = _sizes(row)
        bits = {f"{operand}_bits": sizes.word_bits for operand in ("weight", "input", "output", "partial")}
        return (f"eyeriss{sizes.side**2} rowstationary", sizes), (convolution(row, **bits), number(row, "cycles"))
    described = context.description(f"{name} {constraints}", name, units=number(row, "pes"))
    if described is None:
        raise SkippedRow(f"no template or description of architecture {name!r} with constraints {constraints!r}")
    layer = described.at_widths(convolution(row))
    return (f"{name} {constraints}", described), (layer, number(row, "cycles"))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Cycles of each row under the fastest mapping within the same constraints."""
    found = sort_rows(rows, lambda row: _read(row, context))
    comparisons, notes = [], []
    for (configuration, source), entries in found.groups.items():
        layers = [layer for _, (layer, _) in entries]
        accelerator = source if isinstance(source, Accelerator) else eyeriss256(source, dtype=jnp.float64)
        mapped = map_layers(accelerator, layers)
        reference = np.array([cycles for _, (_, cycles) in entries])
        names = [row_name(index, rows[index]) for index, _ in entries]
        macs = np.array([layer.macs for layer in layers], float)
        comparisons.append(Comparison(configuration, "cycles", reference, np.asarray(mapped.cost.cycles), macs, names))
        ratio = mapped.cost.cycles / reference
        notes.append(
            f"{configuration}: at most {100 * (ratio.max() - 1):.2f} % above Timeloop's cycles "
            f"({names[int(ratio.argmax())]}), {int((ratio < 1).sum())} of {len(ratio)} rows below them"
        )
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped, notes)
