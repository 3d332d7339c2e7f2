"""Energy and area of memories and arithmetic, from the tables under `third_party/`.

Each number states its source. What no table gives (link area, scaling between nodes) is an assumption, named as such.
"""

import csv
import dataclasses
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

THIRD_PARTY = pathlib.Path(__file__).resolve().parents[2] / "third_party"

SRAM_PORT_BITS = 256
"""Port width of the SRAM rows used: wide on-chip buffers, as in the ZigZag description of the edge template."""

DRAM_READ_PJ_PER_BYTE = 10.94 * 8
DRAM_WRITE_PJ_PER_BYTE = 11.72 * 8
"""DRAM energy, 10.94 and 11.72 pJ/bit: the figures ZigZag 3.9.1 uses for LPDDR."""

LINK_MM2_PER_GBPS = 0.1
"""Area of the IO interface per GB/s at 22 nm. Assumption: no public table; a LPDDR4 PHY of 20 GB/s is about 2 mm^2."""


@dataclasses.dataclass(frozen=True)
class SramTable:
    """CACTI 7 figures of one node, by capacity; interpolated linearly in log-log.

    Attributes:
      capacity_bytes: ascending, [T].
      read_pj_per_byte, write_pj_per_byte: energy of an access over the bytes of its port, [T].
      area_mm2: [T].
    """

    capacity_bytes: np.ndarray
    read_pj_per_byte: np.ndarray
    write_pj_per_byte: np.ndarray
    area_mm2: np.ndarray

    def lookup(self, column: str, capacity_bytes: jax.Array) -> jax.Array:
        """Interpolated `column` at `capacity_bytes` (any shape); constant slope past the ends of the table."""
        x = jnp.log(capacity_bytes)
        knots = np.log(self.capacity_bytes).astype(x.dtype)
        values = np.log(getattr(self, column)).astype(x.dtype)
        slopes = np.diff(values) / np.diff(knots)
        # The first segment's line, bent at every inner knot: no search for the segment, which would compile to a loop.
        beyond = jnp.maximum(x[..., None] - knots[1:-1], 0)
        return jnp.exp(values[0] + slopes[0] * (x - knots[0]) + jnp.sum(np.diff(slopes) * beyond, axis=-1))


@functools.cache
def sram_table(node_nm: int) -> SramTable:
    """The CACTI 7 table of a node (22 or 45 nm) at the 256-bit port; KeyError-free: ValueError names the nodes held."""
    with (THIRD_PARTY / "cacti" / "sram.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["width_bits"]) == SRAM_PORT_BITS]
    nodes = sorted({int(row["tech_nm"]) for row in rows})
    if node_nm not in nodes:
        raise ValueError(f"No SRAM table for {node_nm} nm; choose one of {nodes}.")
    rows = sorted((row for row in rows if int(row["tech_nm"]) == node_nm), key=lambda row: int(row["size_bytes"]))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name.endswith(("_pJ", "_mm2"))}
    port_bytes = SRAM_PORT_BITS / 8
    return SramTable(
        capacity_bytes=np.array([float(row["size_bytes"]) for row in rows]),
        read_pj_per_byte=column["read_energy_pJ"] / port_bytes,
        write_pj_per_byte=column["write_energy_pJ"] / port_bytes,
        area_mm2=column["area_mm2"],
    )


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """Energy (pJ) and area (mm^2) of one int8 multiply-accumulate with a 32-bit sum."""

    mac_pj: float
    mac_mm2: float


_CLOCK = "clock 1 ns"
"""The row of the arithmetic tables: units fast enough for clocks up to 1 GHz."""


@functools.cache
def arithmetic(node_nm: int) -> Arithmetic:
    """An int8 MAC at a node, scaled from the 40/45 nm tables of Accelergy's Aladdin plug-in and DOSA.

    Area: the 32-bit multiplier scaled with the square of the width, plus the 32-bit adder; area scales with the square of
    the node. Energy: Accelergy's int8 MAC; dynamic energy scales with the node (capacitance) and the square of the supply
    (0.9 V at 45 nm, 0.8 V at 22 nm). The scaling is first order, an assumption.
    """
    with (THIRD_PARTY / "arithmetic" / "op_energy_area.csv").open() as file:
        rows = list(csv.DictReader(file))

    def row(operation: str, variant: str) -> dict[str, str]:
        return next(r for r in rows if r["op"].startswith(operation) and r["variant"] == variant)

    reference_nm = 45.0
    area_um2 = float(row("multiplier", _CLOCK)["area_um2"]) * (8 / 32) ** 2
    area_um2 += float(row("adder", _CLOCK)["area_um2"])
    supply = {45: 0.9, 22: 0.8}
    if node_nm not in supply:
        raise ValueError(f"No arithmetic figures for {node_nm} nm; choose one of {sorted(supply)}.")
    energy_scale = node_nm / reference_nm * (supply[node_nm] / supply[45]) ** 2
    return Arithmetic(
        mac_pj=float(row("MAC int8", "")["energy_pJ"]) * energy_scale,
        mac_mm2=area_um2 * 1e-6 * (node_nm / reference_nm) ** 2,
    )
