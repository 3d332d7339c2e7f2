"""Energy and area of a memory of any size: registers below 256 bytes, SRAM above, DRAM without bound."""

import math
from typing import NamedTuple

import jax.numpy as jnp

from dna_jax.hardware.technology.arithmetic import REFERENCE_NM, REGISTER_UM2_PER_BIT, supply_volts
from dna_jax.hardware.technology.links import DRAM_READ_PJ_PER_BYTE, DRAM_WRITE_PJ_PER_BYTE
from dna_jax.hardware.technology.sram import PORT_BITS, sram

REGISTER_LIMIT_BYTES = 256
REGISTER_PJ_PER_BYTE = 0.04 / 4
"""A 32-bit register at 22 nm takes 0.04 pJ per access: the figure ZigZag uses for accumulators."""

_REGISTER_NODE_NM = 22


class MemoryFigures(NamedTuple):
    """pJ per byte read and written, mm^2 of one instance."""

    read_pj_per_byte: float
    write_pj_per_byte: float
    area_mm2: float


def register_mm2(node_nm: float, capacity_bytes: float) -> float:
    """Area of registers, which shrinks with the square of the node."""
    return 8 * capacity_bytes * REGISTER_UM2_PER_BIT * 1e-6 * (node_nm / REFERENCE_NM) ** 2


def memory_figures(node_nm: float, capacity_bytes: float) -> MemoryFigures:
    """A memory of concrete size; an infinite one is DRAM, whose area is not on the chip."""
    if math.isinf(capacity_bytes):
        return MemoryFigures(DRAM_READ_PJ_PER_BYTE, DRAM_WRITE_PJ_PER_BYTE, 0.0)
    if capacity_bytes < REGISTER_LIMIT_BYTES:
        supply = (supply_volts(node_nm) / supply_volts(_REGISTER_NODE_NM)) ** 2
        energy = REGISTER_PJ_PER_BYTE * node_nm / _REGISTER_NODE_NM * supply
        return MemoryFigures(energy, energy, register_mm2(node_nm, capacity_bytes))
    columns = ("read_energy_pJ", "write_energy_pJ", "area_mm2")
    read, write, area = (float(sram(node_nm).lookup(column, jnp.asarray(float(capacity_bytes)))) for column in columns)
    return MemoryFigures(read * 8 / PORT_BITS, write * 8 / PORT_BITS, area)
