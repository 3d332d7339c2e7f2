"""`nahas_table3.csv`: latency of published networks on the baseline of the edge accelerator."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates.nahas_edge import nahas_edge
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows

_NOTE = (
    "the published latencies come from a cycle-accurate simulator of a real edge accelerator; the model leaves out the cost "
    "of starting each operation, of an operation the accelerator has no unit for (it prices swish and squeeze-excite as "
    "element-wise work at full width), and of a compiler's choices"
)


def _read(row: Row, context: Context):
    if row.get("model") not in context.networks:
        raise SkippedRow("a network whose layers are not published or not described here")
    if number(row, "normalized_area") != 1:
        raise SkippedRow("not on the baseline accelerator")
    return "baseline", (row["model"], number(row, "latency_ms"))


def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
    """Milliseconds of each network that is known, on the baseline."""
    found = sort_rows(rows, lambda row: _read(row, context))
    entries = found.groups.get("baseline", [])
    if not entries:
        return TableResult(len(rows), [], 0, found.skipped)
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float64)
    accelerator = Accelerator(template.name, architecture, template.candidates)
    networks = [context.networks[name] for _, (name, _) in entries]
    # All in one call, which compiles once.
    cycles = map_layers(accelerator, [layer for layers in networks for layer in layers]).cost.cycles
    ends = np.cumsum([len(layers) for layers in networks])
    predicted = [part.sum() / float(architecture.clock_hz) * 1e3 for part in np.split(cycles, ends[:-1])]
    macs = [float(sum(layer.macs for layer in layers)) for layers in networks]
    comparison = Comparison(
        "nahas_edge baseline",
        "latency",
        np.array([latency for _, (_, latency) in entries]),
        np.array(predicted),
        np.array(macs),
        [f"{row_name(index, rows[index])} {name}" for index, (name, _) in entries],
    )
    return TableResult(len(rows), [comparison], len(entries), found.skipped, [_NOTE])
