"""The edge accelerator of NAHAS (Table 1) as a template.

A grid of PEs, each with a local memory and compute lanes; each lane has a register file and SIMD units; each SIMD unit is
a 4-way int8 dot product with a 32-bit accumulator. What the paper leaves open is assumed as in the ZigZag description of
the same template: register-file ports of 32 bits per SIMD unit, cycle and operand; local-memory ports of one byte per
SIMD unit and cycle, one to read and one to write; free multicast and spatial reduction; a DRAM port shared by reads and
writes. A layer's inputs and outputs stay in the local memories where they fit all of them together, else they cross the
IO link; weights always cross it.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice
from dna_jax.hardware.template import Template
from dna_jax.spaces import Point, expectation, nahas_edge_space
from dna_jax.spaces import nahas_edge as knobs

CLOCK_HZ = 0.8e9
DOT_PRODUCT = 4
NODE_NM = 22
_ACCUMULATOR_PJ_PER_BYTE = 0.04 / 4
"""Accumulator register, 0.04 pJ per 32-bit access: the figure of the ZigZag description."""
_REGISTER_UM2_PER_BIT = 5.98
"""Aladdin register at 40/45 nm, um^2 per bit (accelergy-aladdin-plug-in, reg.csv)."""

_LEVELS = ("accumulator", "register_file", "local_memory", "dram")
_FANOUTS = ("dot_product", "simd_units", "lanes", "pes_x", "pes_y")


def edge_architecture(point: Point, dtype: jax.typing.DTypeLike = jnp.float32) -> Architecture:
    """The accelerator at a point of the edge space; expected knob values where the point is soft."""
    pes_x, pes_y, simd, lanes, memory_mb, register_kb, io_gbps = (
        expectation(point, knob, dtype)
        for knob in (
            knobs.PES_X,
            knobs.PES_Y,
            knobs.SIMD_UNITS,
            knobs.COMPUTE_LANES,
            knobs.LOCAL_MEMORY_MB,
            knobs.REGISTER_FILE_KB,
            knobs.IO_BANDWIDTH_GBPS,
        )
    )
    pes = pes_x * pes_y
    sram = technology.sram_table(NODE_NM)
    arithmetic = technology.arithmetic(NODE_NM)
    register_bytes = register_kb * 1024
    memory_bytes = memory_mb * 1024**2
    unlimited = jnp.full_like(pes, np.inf)
    constant = jnp.ones_like(pes)
    dram_bandwidth = io_gbps * 1e9 / CLOCK_HZ
    accumulator_mm2 = 32 * _REGISTER_UM2_PER_BIT * 1e-6 * (NODE_NM / 45) ** 2

    def by_level(accumulator: float, column: str, dram: float) -> jax.Array:
        """One figure per level, [V]: the two ends as given, register file and local memory by a column of the SRAM table."""
        memories = [sram.lookup(column, size) for size in (register_bytes, memory_bytes)]
        return jnp.stack([accumulator * constant, *memories, dram * constant])

    return Architecture(
        capacity_bytes=jnp.stack([4 * constant, register_bytes, memory_bytes, unlimited]),
        read_bandwidth=jnp.stack([unlimited, simd * 4, lanes * simd, dram_bandwidth]),
        write_bandwidth=jnp.stack([unlimited, simd * 4, lanes * simd, dram_bandwidth]),
        read_pj_per_byte=by_level(_ACCUMULATOR_PJ_PER_BYTE, "read_pj_per_byte", technology.DRAM_READ_PJ_PER_BYTE),
        write_pj_per_byte=by_level(_ACCUMULATOR_PJ_PER_BYTE, "write_pj_per_byte", technology.DRAM_WRITE_PJ_PER_BYTE),
        instances=jnp.stack([pes * lanes * simd, pes * lanes, pes, constant]),
        area_mm2=by_level(accumulator_mm2, "area_mm2", 0.0),
        fanout_size=jnp.stack([DOT_PRODUCT * constant, simd, lanes, pes_x, pes_y]),
        clock_hz=CLOCK_HZ * constant,
        mac_pj=arithmetic.mac_pj * constant,
        mac_mm2=arithmetic.mac_mm2 * constant,
        macs=pes * lanes * simd * DOT_PRODUCT,
        link_mm2=technology.LINK_MM2_PER_GBPS * io_gbps,
        fold_cycles=jnp.zeros_like(pes),
        stationary=None,
        exposed_ends=False,
        level_names=_LEVELS,
        holds=("O", "WIO", "WIO", "WIO"),
        ports=("per_operand", "per_operand", "read_write", "shared"),
        double_buffered=(False, True, True, False),
        slides=(False, False, False, False),
        whole_rows=False,
        fanout_names=_FANOUTS,
        fanout_level=(0, 1, 2, 3, 3),
        resident_level=2,
    )


# Sums run innermost; then either pixels run inside channels (weights stay) or channels inside pixels (inputs stay). Tiles
# grow first along what the schedule keeps.
_WEIGHTS_STAY = Schedule(growth=("", "SRCKGQPN", "SRCKGQPN", ""), order=("SRCQPNKG",) * len(_LEVELS))
_INPUTS_STAY = Schedule(growth=("", "SRCQPNKG", "SRCQPNKG", ""), order=("SRCKGQPN",) * len(_LEVELS))

_CHOICES = {
    _WEIGHTS_STAY: (
        ("QP", "KG", "Q", "P"),
        ("KG", "Q", "Q", "P"),
        ("QP", "KG", "KG", "P"),
        ("QP", "KG", "KG", "KG"),
        ("KG", "Q", "KG", "KG"),
        ("KG", "KG", "KG", "C"),
        ("QP", "KG", "KG", "C"),
        ("KG", "Q", "KG", "C"),
        ("QP", "Q", "KG", "C"),
    ),
    _INPUTS_STAY: (
        ("KG", "KG", "Q", "P"),
        ("KG", "Q", "Q", "P"),
        ("QP", "KG", "KG", "P"),
        ("KG", "Q", "KG", "P"),
        ("QP", "Q", "KG", "P"),
        ("KG", "Q", "Q", "KG"),
        ("KG", "KG", "KG", "KG"),
        ("QP", "KG", "KG", "KG"),
        ("KG", "KG", "KG", "C"),
        ("QP", "KG", "KG", "C"),
        ("KG", "Q", "KG", "C"),
    ),
}
"""What SIMD units, lanes, rows and columns of PEs are laid out over, by schedule: output channels or groups (KG), output
columns, rows or both (Q, P, QP), input channels (C). The half of `candidate_pool` that matters: leaving out the other
half costs 0.01 % of latency on average and 0.6 % at most (1,500 random accelerators, 172 layers)."""


def _candidate(schedule: Schedule, choice: tuple[str, ...]) -> tuple[SpatialChoice, Schedule]:
    # The dot product sums input channels, or kernel columns of a depthwise layer.
    return SpatialChoice(("CS", *choice)), schedule


def candidate_pool() -> CandidateSet:
    """All 40 combinations from which the template's 20 candidates were taken."""
    pairs = (("Q", "P"), ("KG", "P"), ("Q", "KG"), ("KG", "KG"), ("KG", "C"))
    combinations = itertools.product((_WEIGHTS_STAY, _INPUTS_STAY), pairs, ("KG", "Q"), ("KG", "QP"))
    return CandidateSet(tuple(_candidate(schedule, (simd, lane, x, y)) for schedule, (x, y), lane, simd in combinations))


@functools.cache
def nahas_edge() -> Template:
    """The template: 50,000 designs, 20 candidate mappings per layer."""
    return Template(
        name="nahas_edge",
        space=nahas_edge_space(),
        architecture=edge_architecture,
        candidates=CandidateSet(
            tuple(_candidate(schedule, choice) for schedule, choices in _CHOICES.items() for choice in choices)
        ),
        baseline=knobs.BASELINE,
    )
