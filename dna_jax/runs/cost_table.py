"""Layers of a network with their price on an accelerator, as rows for people and for files."""

import csv
import dataclasses
import io
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware import Accelerator, LayerCost, bound_names, capacity_violations, format_mapping
from dna_jax.hardware.pricing import map_layers
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class CostTable:
    """A priced network.

    Attributes:
      headings: of the columns, with units.
      rows: one per layer, as numbers and text.
      totals: heading with unit -> number, of the whole network.
      violations: what does not fit, a sentence each.
      notes: assumptions of the accelerator, a sentence each.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    totals: dict[str, float]
    violations: Sequence[str]
    notes: Sequence[str]


def price_network(accelerator: Accelerator, layers: Sequence[Layer]) -> CostTable:
    """Each layer under the best of the accelerator's mappings, one after another, at the accelerator's widths."""
    architecture = accelerator.architecture
    mapped = map_layers(accelerator, [accelerator.at_widths(layer) for layer in layers])
    cost: LayerCost = mapped.cost
    bounds = bound_names(architecture)
    levels = architecture.level_names
    headings = ["layer", "MACs", "cycles", "bound", "utilisation (%)"]
    headings += ["arithmetic (nJ)", *(f"{level} (nJ)" for level in levels), "energy (nJ)", "mapping"]
    rows: list[list[str | float]] = []
    binding = np.broadcast_to(cost.bound, len(layers))
    for i, layer in enumerate(layers):
        mapping = type(mapped.mapping)(*(leaf[i] for leaf in vars(mapped.mapping).values()))
        energies = [cost.mac_energy_pj, *cost.level_energy_pj, cost.energy_pj]
        rows.append(
            [
                layer.name,
                float(layer.macs),
                float(cost.cycles[i]),
                bounds[int(binding[i])],
                100 * float(cost.utilisation[i]),
                *(float(np.broadcast_to(energy, len(layers))[i]) * 1e-3 for energy in energies),
                format_mapping(mapping, architecture),
            ]
        )
    cycles, clock = float(np.sum(cost.cycles)), float(architecture.clock_hz)
    macs = float(sum(layer.macs for layer in layers))
    totals = {
        "MACs": macs,
        "cycles": cycles,
        "latency (ms)": cycles / clock * 1e3,
        "energy (mJ)": float(np.sum(cost.energy_pj)) * 1e-9,
        "area (mm2)": float(architecture.total_area_mm2),
        "utilisation (%)": 100 * macs / (cycles * float(architecture.macs)),
        "peak (TOPS)": float(architecture.peak_tops),
    }
    violations = capacity_violations(architecture, [layer.name for layer in layers], cost)
    return CostTable(headings, rows, totals, violations, accelerator.notes)


def as_text(table: CostTable) -> str:
    """Aligned columns (mappings left out, for they are long), then totals, violations and notes."""
    shown = [i for i, heading in enumerate(table.headings) if heading != "mapping"]

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return value
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

    lines = [[table.headings[i] for i in shown], *([cell(row[i]) for i in shown] for row in table.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(shown))]
    text = [
        "  ".join(
            value.ljust(width) if column in (0, 3) else value.rjust(width)
            for column, (value, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    longest = max(map(len, table.totals))
    text += ["", *(f"{name.ljust(longest)}  {value:,.6g}" for name, value in table.totals.items())]
    text += [f"does not fit: {sentence}" for sentence in table.violations]
    text += [f"note: {sentence}" for sentence in table.notes]
    return "\n".join(text)


def as_csv(table: CostTable) -> str:
    """All columns, one line per layer."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.headings)
    writer.writerows(table.rows)
    return buffer.getvalue()
