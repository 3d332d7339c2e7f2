"""`dna_layer_cycles.csv`, `dna_corrected_layers.csv`: one layer on one chunk of an FPGA pipeline."""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.fpga import ChunkDesign, FpgaLayers, Model, cost_on_chunk
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows
from dna_jax.spaces import DEPTHWISE_MODES, STANDARD_MODES

_LAYER = ("n_in", "n_out", "h", "k", "stride", "bits")
_DESIGN = ("tr_buf", "tc_buf", "tm_buf", "tn_buf", "tr", "tc", "tm", "tn")
_QUANTITIES = {
    "cycles": "cycles",
    "compute": "compute",
    "read_inputs": "read_ifm",
    "read_weights": "read_w",
    "write": "write_ofm",
    "dsp": "dsp",
    "bram": "bram",
}
"""Field of the cost -> column."""


def _read(row: Row, model: Model):
    depthwise, mode = row.get("depthwise"), row.get("comp_mode", "")
    modes = DEPTHWISE_MODES if depthwise == "1" else STANDARD_MODES
    if depthwise not in ("0", "1") or mode not in map(str, range(len(modes))):
        raise SkippedRow("an unknown kind of chunk or compute mode")
    if model == "released":
        # It does not read the stride, and its table has none.
        row = {"stride": "1", **row}
    sizes = [number(row, column) for column in (*_LAYER, *_DESIGN)]
    targets = {name: number(row, column) for name, column in _QUANTITIES.items() if column in row}
    return (depthwise == "1", modes[int(mode)], tuple(targets)), (sizes, tuple(targets.values()))


def _evaluate(model: Model, rows: Sequence[Row], context: Context) -> TableResult:
    found = sort_rows(rows, functools.partial(_read, model=model))
    comparisons = []
    for (depthwise, mode, quantities), entries in found.groups.items():
        sizes = jnp.array([size for _, (size, _) in entries]).T
        layers, design = FpgaLayers(*sizes[: len(_LAYER)]), ChunkDesign(*sizes[len(_LAYER) :])
        cost = cost_on_chunk(layers, design, depthwise, mode, model)
        reference = np.array([target for _, (_, target) in entries]).T
        taps = layers.kernel**2 * layers.rows**2
        macs = np.asarray(layers.in_channels * layers.out_channels * taps)
        names = [row_name(index, rows[index]) for index, _ in entries]
        kind = "depthwise" if depthwise else "standard"
        for quantity, expected in zip(quantities, reference, strict=True):
            predicted = np.asarray(getattr(cost, quantity))
            timed = macs if quantity == "cycles" else None
            comparisons.append(Comparison(f"{kind}, {mode} in parallel", quantity, expected, predicted, timed, names))
    evaluated = sum(map(len, found.groups.values()))
    return TableResult(len(rows), comparisons, evaluated, found.skipped)


evaluate_released = functools.partial(_evaluate, "released")
"""The released model against its own output."""

evaluate_corrected = functools.partial(_evaluate, "corrected")
"""The corrected model against its independent restatement."""
