"""Energy and area of multiply-accumulate units, from the tables of Accelergy's Aladdin plug-in and of DOSA."""

import csv
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.technology.source import THIRD_PARTY

REFERENCE_NM = 45.0
"""Node of the tables (they say 40/45)."""

REFERENCE_BITS = 8

_SUPPLY = ((22.0, 0.8), (45.0, 0.9))
"""Supply voltage by node, volts: nominal figures, linear between and beyond, never below 0.6."""

_CLOCK = "clock 1 ns"
"""The row of the arithmetic tables: units fast enough for clocks up to 1 GHz."""

REGISTER_UM2_PER_BIT = 5.98
"""Aladdin register at 40/45 nm, um^2 per bit (accelergy-aladdin-plug-in, reg.csv)."""


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """Energy (pJ) and area (mm^2) of one multiply-accumulate with a 32-bit sum; `multiplier_pj` is the part of `mac_pj` that
    multiplying takes."""

    mac_pj: float
    multiplier_pj: float
    mac_mm2: float


def supply_volts(node_nm: float) -> float:
    """Nominal supply at a node."""
    (low, at_low), (high, at_high) = _SUPPLY
    return max(0.6, at_low + (at_high - at_low) * (node_nm - low) / (high - low))


@functools.cache
def arithmetic(node_nm: float, bits: int = REFERENCE_BITS) -> Arithmetic:
    """A multiply-accumulate unit at a node.

    Area: the 32-bit multiplier scaled with the square of the width, plus the 32-bit adder; area scales with the square of
    the node. Energy: the int8 unit, whose multiplier's part (all but a 32-bit addition) scales with the square of the
    width; dynamic energy scales with the node (capacitance) and the square of the supply. The scaling is first order, an
    assumption.

    Args:
      node_nm: of the process.
      bits: width of both factors, 4 to 32.
    """
    if not 4 <= bits <= 32:
        raise ValueError(f"No multiply-accumulate figures for {bits} bits; choose 4 to 32.")
    with (THIRD_PARTY / "arithmetic" / "op_energy_area.csv").open() as file:
        rows = list(csv.DictReader(file))

    def row(operation: str, variant: str) -> dict[str, str]:
        return next(r for r in rows if r["op"].startswith(operation) and r["variant"] == variant)

    adder = row("adder", _CLOCK)
    area_um2 = float(row("multiplier", _CLOCK)["area_um2"]) * (bits / 32) ** 2 + float(adder["area_um2"])
    adder_pj = float(adder["energy_pJ"])
    multiplier_pj = (float(row("MAC int8", "")["energy_pJ"]) - adder_pj) * (bits / REFERENCE_BITS) ** 2
    shrink = node_nm / REFERENCE_NM
    dynamic = shrink * (supply_volts(node_nm) / supply_volts(REFERENCE_NM)) ** 2
    return Arithmetic(
        mac_pj=(multiplier_pj + adder_pj) * dynamic,
        multiplier_pj=multiplier_pj * dynamic,
        mac_mm2=area_um2 * 1e-6 * shrink**2,
    )


def multiplying_share(weight_bits: jax.Array | np.ndarray, input_bits: jax.Array | np.ndarray) -> jax.Array:
    """What an 8-bit multiplier takes to multiply factors of these widths, of what it takes for two of 8 bits.

    Bits that a narrow factor lacks do not switch: partial products are as many as the product of the widths. First order, as
    in `arithmetic`; without weights (0 bits) the unit compares, adds or scales at its full width.
    """
    return jnp.where(weight_bits > 0, weight_bits * input_bits / REFERENCE_BITS**2, 1)
