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
    names_with_sizes,
    number,
    row_name,
    sort_rows,
    whole_number,
)

_BUFFER = re.compile(r"(\w+):(\d+|None)(kB)?x\d+@(\d+)b bw=(\d+|-)")
"""Name, words (or kB), bits of a word, words/cycle (- for no limit)."""


def _sizes(row: Row) -> Eyeriss256Sizes:
    side = math.isqrt(whole_number(row, "pes"))
    if side * side != whole_number(row, "pes"):
        raise SkippedRow("a mesh that is not square")
    buffers = {name: rest for name, *rest in _BUFFER.findall(row.get("buffers", ""))}
    wanted = ("PsumRegFile", "WeightRegFile", "InputRegFile", "GlobalBuffer", "DRAM")
    missing = [name for name in wanted if name not in buffers]
    if missing:
        raise SkippedRow(f"column buffers does not state {missing[0]}")
    bits = {int(buffers[name][2]) for name in wanted}
    rates = {buffers[name][3] for name in wanted[:3]}
    if len(bits) > 1 or len(rates) > 1 or "-" in rates | {buffers["GlobalBuffer"][3]}:
        raise SkippedRow("buffers of several word widths or register files of several bandwidths")
    (word_bits,), (register_rate,) = bits, rates

    def words(name: str) -> float:
        size, kilobytes, _, _ = buffers[name]
        return int(size) * 1024 * 8 / word_bits if kilobytes else int(size)

    dram = buffers["DRAM"][3]
    return Eyeriss256Sizes(
        side=side,
        sums=words("PsumRegFile"),
        weights=words("WeightRegFile"),
        inputs=words("InputRegFile"),
        register_words_per_cycle=int(register_rate),
        buffer_kib=words("GlobalBuffer") * word_bits / 8 / 1024,
        buffer_words_per_cycle=int(buffers["GlobalBuffer"][3]),
        dram_words_per_cycle=math.inf if dram == "-" else int(dram),
        word_bits=word_bits,
    )


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
    keys = [(name, {} if isinstance(source, Accelerator) else source._asdict()) for name, source in found.groups]
    for configuration, ((_, source), entries) in zip(names_with_sizes(keys), found.groups.items(), strict=True):
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
