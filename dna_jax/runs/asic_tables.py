"""What a run on ASIC pipelines tells of one: its cost, its layers, and the layers that memories cannot hold."""

from collections.abc import Sequence

from dna_jax.hardware.asic import PipelineCost, PlacedLayer

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
