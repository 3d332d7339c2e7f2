"""What a run on ASIC pipelines tells of one: its cost, layers and chunks, what memories cannot hold, and where it stands."""

from collections.abc import Mapping, Sequence

import numpy as np

from dna_jax.hardware.asic import PipelineCost, PlacedLayer
from dna_jax.runs.target import exceeded
from dna_jax.runs.units import UNITS

COLUMNS = {"frame_ms": "time for an image (ms)", "energy_mj": "energy of an image (mJ)", "area_mm2": "area (mm²)"}
"""What the picture of a pipeline shows of every chunk."""

LAYER_HEADINGS = ("layer", "chunk", "time (us)", "utilisation (%)", "energy (uJ)")
"""Headings of `layer_table`."""


def cost_block(cost: PipelineCost) -> dict[str, float]:
    """The cost figures of summary.json: images per second (fps), and every cost of a pipeline in its own unit."""
    figures = {name: float(value) for name, value in cost.metrics.items()}
    return {"fps": 1e3 / figures["frame_ms"], **figures}


def layer_table(placed: Sequence[PlacedLayer]) -> list[list[str]]:
    """One row per layer, with the columns of LAYER_HEADINGS."""
    return [
        [
            entry.layer.name,
            str(entry.chunk),
            f"{1e3 * entry.milliseconds:.3f}",
            f"{100 * entry.utilisation:.1f}",
            f"{1e3 * entry.millijoules:.4f}",
        ]
        for entry in placed
    ]


def overflows(placed: Sequence[PlacedLayer]) -> list[str]:
    """One sentence per layer whose smallest tiles exceed a memory of its chunk."""
    return [
        f"{entry.layer.name}: its tiles exceed what memories of chunk {entry.chunk} can hold by {entry.overflow_kib:.6g} KiB"
        for entry in placed
        if entry.overflow_kib > 0
    ]


def chunk_table(cost: PipelineCost) -> dict[str, tuple[float, ...]]:
    """Per chunk, and of the link between them, the values of COLUMNS."""
    rows = {
        f"chunk {chunk}": row
        for chunk, row in enumerate(zip(cost.chunk_ms, cost.chunk_mj, cost.chunk_mm2, strict=True), start=1)
    }
    return rows | {"link": (0.0, 0.0, float(cost.area_mm2 - np.sum(cost.chunk_mm2)))}


def method_sentence(goal: str, evaluations: int | None) -> str:
    """How a pipeline was found, and what bounds it; `evaluations` is how many designs were priced, None for a held one."""
    found = (
        "pipeline held"
        if evaluations is None
        else f"search over {evaluations} designs, from the one carried on, for the least {UNITS[goal][0]} within the budgets"
    )
    return f"{found}; bound by ideal sharing, proven"


def standing_sentence(goal: str, gap: float | None, carried: Mapping[str, float], budgets: Mapping[str, float]) -> str:
    """Where a pipeline stands beside what none can undercut for its network.

    Args:
      goal: the cost that is to be least.
      gap: share by which the pipeline exceeds its bound; None where no pipeline fits the area.
      carried: cost of the pair that the joint search had carried.
      budgets: of the run, by cost.
    """
    title, unit = UNITS[goal]
    area = budgets.get("area_mm2", np.inf)
    if gap is None:
        return f"no pipeline fits {area:g} mm²"
    within = f" within {area:g} mm²" if np.isfinite(area) else ""
    wrong = exceeded(carried, list(budgets.items()))
    return (
        f"the {title} is {100 * gap:.0f} % above what no pipeline{within} can undercut for this network; the joint search "
        f"itself had carried one of {carried[goal]:.4g} {unit}" + (f", where {'; '.join(wrong)}" if wrong else "")
    )
