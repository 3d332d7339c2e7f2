"""`silicon_eyeriss_per_layer.csv`: processing latency of AlexNet's convolutions measured on the Eyeriss chip."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.eyeriss import eyeriss
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
from dna_jax.workload import Layer

_BITS = {f"{operand}_bits": 16 for operand in ("weight", "input", "output", "partial")}

ALEXNET = {
    "CONV1": Layer("CONV1", K=96, C=3, P=55, Q=55, R=11, S=11, stride=4, **_BITS),
    "CONV2": Layer("CONV2", K=256, C=96, P=27, Q=27, R=5, S=5, groups=2, input_rows=27, input_columns=27, **_BITS),
    "CONV3": Layer("CONV3", K=384, C=256, P=13, Q=13, R=3, S=3, input_rows=13, input_columns=13, **_BITS),
    "CONV4": Layer("CONV4", K=384, C=384, P=13, Q=13, R=3, S=3, groups=2, input_rows=13, input_columns=13, **_BITS),
    "CONV5": Layer("CONV5", K=256, C=384, P=13, Q=13, R=3, S=3, groups=2, input_rows=13, input_columns=13, **_BITS),
}
"""The convolutions of AlexNet (Krizhevsky et al., NIPS 2012) as run on the chip, with the groups of the two-GPU network."""


def _read(row: Row, context: Context):
    chip, network = row.get("chip", ""), row.get("net", "")
    described = context.description(chip)
    if chip != "Eyeriss" and described is None:
        raise SkippedRow(f"no template or description of chip {chip!r}")
    if network != "AlexNet":
        raise SkippedRow(f"the layers of {network!r} are not known")
    if row.get("layer") != "Total" and row.get("layer") not in ALEXNET:
        raise SkippedRow(f"an unknown layer {row.get('layer')!r}")
    key = chip, None if chip == "Eyeriss" else described, whole_number(row, "batch")
    return key, (row["layer"], number(row, "processing_latency_ms_batch"))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Milliseconds of each convolution and of all five together, per batch."""
    found = sort_rows(rows, lambda row: _read(row, context))
    comparisons = []
    for (chip, described, batch), entries in found.groups.items():
        accelerator = described or eyeriss(dtype=jnp.float64)
        layers = [Layer(**{**vars(layer), "N": batch}) for layer in ALEXNET.values()]
        if described is not None:
            layers = [described.at_widths(layer) for layer in layers]
        cycles = map_layers(accelerator, layers).cost.cycles
        milliseconds = dict(zip(ALEXNET, cycles / float(accelerator.architecture.clock_hz) * 1e3, strict=True))
        macs = {layer.name: layer.macs for layer in layers}
        for configuration, whole in (("", False), (" in total", True)):
            chosen = [(index, name, value) for index, (name, value) in entries if (name == "Total") == whole]
            if not chosen:
                continue
            total = {"Total": sum(milliseconds.values())}, {"Total": sum(macs.values())}
            comparisons.append(
                Comparison(
                    f"{chip} AlexNet batch {batch}{configuration}",
                    "latency",
                    np.array([value for _, _, value in chosen]),
                    np.array([(milliseconds | total[0])[name] for _, name, _ in chosen]),
                    np.array([(macs | total[1])[name] for _, name, _ in chosen], float),
                    [row_name(index, rows[index]) for index, _, _ in chosen],
                )
            )
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
