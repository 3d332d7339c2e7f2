"""`maestro.csv`: MAESTRO's cycles under two fixed data-centric mappings."""

import dataclasses
import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.data_centric import nvdla_like, shidiannao_like
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

CLUSTERS = {"kcp_ws": 64, "yxp_os": 8}
"""PEs of a cluster."""

_NOTE = "tiles are those of MAESTRO's directives, whatever the sizes of its buffers (l1_size, l2_size)"


@dataclasses.dataclass(frozen=True)
class _Sizes:
    dataflow: str
    pes: float
    network_bandwidth: float
    offchip_bandwidth: float
    depthwise: bool
    described: Accelerator | None

    def accelerator(self) -> Accelerator:
        if self.described is not None:
            return self.described
        build = functools.partial(nvdla_like, depthwise=self.depthwise) if self.dataflow == "kcp_ws" else shidiannao_like
        return build(self.pes, self.network_bandwidth, offchip_bandwidth=self.offchip_bandwidth, dtype=jnp.float64)


def _read(row: Row, context: Context):
    dataflow = row.get("dataflow", "")
    columns = ("num_pes", "noc_bw_elem_per_cyc", "offchip_bw")
    layer = convolution(row, partial_bits=8)
    pes, network, offchip = (number(row, column) for column in columns)
    if layer.groups not in (1, layer.C):
        raise SkippedRow("a layer of groups that is not depthwise")
    described = None
    if dataflow not in CLUSTERS:
        described = context.description(f"{dataflow} {pes:.0f} PEs", dataflow, units=pes)
        if described is None:
            raise SkippedRow(f"no template or description of dataflow {dataflow!r}")
        layer = described.at_widths(layer)
    elif pes % CLUSTERS[dataflow]:
        raise SkippedRow("PEs that do not fill their clusters")
    sizes = _Sizes(dataflow, pes, network, offchip, layer.groups > 1, described)
    return sizes, (layer, number(row, "runtime_cycles"))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Cycles of each row."""
    found = sort_rows(rows, lambda row: _read(row, context))
    gathered: dict[str, list] = {}
    for sizes, entries in found.groups.items():
        mapped = map_layers(sizes.accelerator(), [layer for _, (layer, _) in entries])
        for position, (index, (layer, cycles)) in enumerate(entries):
            result = (cycles, mapped.cost.cycles[position], layer.macs, row_name(index, rows[index]))
            gathered.setdefault(f"{sizes.dataflow} {sizes.pes:.0f} PEs", []).append(result)
    comparisons = []
    for configuration, results in gathered.items():
        reference, predicted, macs, names = zip(*results, strict=True)
        comparisons.append(
            Comparison(configuration, "cycles", np.array(reference), np.array(predicted), np.array(macs, float), names)
        )
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped, [_NOTE])
