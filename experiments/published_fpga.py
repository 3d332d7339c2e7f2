"""The proven optimal FPGA pipeline of a network, by board, operand width and allocation."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from dna_jax.hardware.fpga import CLOCK_HZ, evaluate_pipeline, is_priced
from dna_jax.search import DEVICES, certified_optimum, recheck
from dna_jax.spaces import WIDTHS, as_released, baseline_pipeline, fpga_pipeline_space
from dna_jax.workload import Layer

PLAN = "imagenet"
ALLOCATIONS = ("released", "free")
"""Which maps count as large: as in Auto-NBA's release, or the best choice."""


def at_width(layers: Sequence[Layer], bits: int) -> list[Layer]:
    """The layers with all operands of one width; what has no weights stays as it is, for it is not priced."""
    return [
        dataclasses.replace(layer, weight_bits=bits, input_bits=bits, output_bits=bits) if is_priced(layer) else layer
        for layer in layers
    ]


def unpriced(layers: Sequence[Layer]) -> dict[str, Any]:
    """What FPGA pipelines run at no cost: kinds of layers by the last part of their names, and their share of operations."""
    free = [layer for layer in layers if not is_priced(layer)]
    share = sum(layer.macs for layer in free) / sum(layer.macs for layer in layers)
    return {"kinds": sorted({layer.name.split(".")[-1] for layer in free}), "percent_of_operations": 100 * share}


def prove_optima(network: str, layers: Sequence[Layer], device: str, bits: int | None) -> list[dict[str, Any]]:
    """The proven optimum under each of ALLOCATIONS, a row each; without figures where nothing fits.

    Args:
      network: its name.
      layers: of it.
      device: a key of DEVICES.
      bits: width of all operands; None to leave each layer that of WIDTHS which it has.

    Raises:
      AssertionError: if a certificate does not hold when it is followed by other means.
    """
    limits = DEVICES[device]
    widths, layers = (WIDTHS, layers) if bits is None else ((bits,), at_width(layers, bits))
    _, designed = evaluate_pipeline(layers, baseline_pipeline(PLAN, widths))
    rule_fits = designed.dsp <= limits.dsp and designed.bram <= limits.bram
    rows = []
    for allocation in ALLOCATIONS:
        space = fpga_pipeline_space(PLAN, widths)
        if allocation == "released":
            space = space.fix(as_released(PLAN, widths))
        began = time.perf_counter()
        found = certified_optimum(layers, space, limits)
        seconds = time.perf_counter() - began
        wrong = recheck(found, layers, space)
        if wrong:
            raise AssertionError(" ".join(wrong))
        row = {"network": network, "device": device, "bits": bits, "allocation": allocation, "seconds": seconds}
        row |= {"fps": None, "dsp": None, "bram": None, "design": found.design}
        if found.design is not None:
            row |= {"fps": found.fps, "dsp": found.dsp, "bram": found.bram}
        # The slowest chunk of the space at its fastest, whatever it takes.
        row |= {"unlimited_fps": CLOCK_HZ / found.bound_cycles, "by_rule_fps": float(designed.fps) if rule_fits else None}
        rows.append(row)
    return rows
