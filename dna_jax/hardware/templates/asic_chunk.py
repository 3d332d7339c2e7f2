"""A chunk of an ASIC pipeline: an array of units with registers, a buffer for each operand, a share of the link to DRAM.

Every unit keeps weights, inputs and partial sums in registers of its own and multiplies once a cycle. Each operand has a
buffer, with an interconnect of its own to the array that multicasts and, for sums, adds; as everywhere in the technology
tables wires take no energy. Buffers are as wide as the interconnect, in banks of at most 256 bits, and hold a tile while
the next arrives. Inputs and outputs of every layer cross the link to DRAM, for the next layer may run elsewhere.

A style decides what the array is laid out over, as in NVDLA, ShiDianNao (Du et al., ISCA 2015) and Eyeriss (Chen et al.,
ISCA 2016), a schedule which loops run innermost and what tiles grow along first: see `asic_chunk_mappings`.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture
from dna_jax.spaces import Decision, expectation
from dna_jax.spaces.asic_pipeline import ARCHITECTURE_KNOBS, split_fractions
from dna_jax.workload import OPERANDS

CLOCK_HZ = 1e9
NODE_NM = 22


class ChunkSizes(NamedTuple):
    """The knobs of a chunk: units down and across, bytes/cycle of the interconnect of each operand, bytes of registers in a
    unit and of each operand's buffer (weights, inputs, outputs), bytes/cycle to DRAM."""

    rows: Number
    columns: Number
    interconnect_bytes: Number
    register_bytes: tuple[Number, ...]
    buffer_bytes: tuple[Number, ...]
    dram_bytes: Number


def buffer_figures(
    capacity_bytes: Number, port_bytes: Number, dtype: jax.typing.DTypeLike
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """pJ per byte read and written and mm^2 of a buffer: banks of at most 256 bits side by side."""
    capacity, width = jnp.asarray(capacity_bytes, dtype), 8 * jnp.asarray(port_bytes, dtype)
    banks = jnp.maximum(width / technology.PORT_BITS, 1)
    figure = functools.partial(
        technology.sram(NODE_NM).lookup, capacity_bytes=capacity / banks, width_bits=jnp.minimum(width, technology.PORT_BITS)
    )
    bank_bytes = port_bytes / banks
    return figure("read_energy_pJ") / bank_bytes, figure("write_energy_pJ") / bank_bytes, banks * figure("area_mm2")


def build_chunk(sizes: ChunkSizes, dtype: jax.typing.DTypeLike = jnp.float32) -> Architecture:
    """The chunk of the sizes given; the area of the link is not part of it."""

    def registers(name: str, operand: str) -> Level:
        capacity = sizes.register_bytes[OPERANDS.index(operand)]
        return Level(
            name,
            operand,
            capacity,
            read_pj_per_byte=technology.REGISTER_PJ_PER_BYTE,
            write_pj_per_byte=technology.REGISTER_PJ_PER_BYTE,
            area_mm2=technology.register_mm2(NODE_NM, 1) * capacity,
        )

    def buffer(name: str, operand: str, fanouts: tuple[Fanout, ...] = ()) -> Level:
        capacity = sizes.buffer_bytes[OPERANDS.index(operand)]
        read_pj, write_pj, area = buffer_figures(capacity, sizes.interconnect_bytes, dtype)
        return Level(
            name,
            operand,
            capacity,
            read_bandwidth=sizes.interconnect_bytes,
            write_bandwidth=sizes.interconnect_bytes,
            read_pj_per_byte=read_pj,
            write_pj_per_byte=write_pj,
            area_mm2=area,
            double_buffered=True,
            fanouts=fanouts,
        )

    levels = (
        registers("sums", "O"),
        registers("weights", "W"),
        registers("inputs", "I"),
        buffer("output_buffer", "O", (Fanout("rows", sizes.rows), Fanout("columns", sizes.columns))),
        buffer("weight_buffer", "W"),
        buffer("input_buffer", "I"),
        Level(
            "dram",
            "WIO",
            read_bandwidth=sizes.dram_bytes,
            write_bandwidth=sizes.dram_bytes,
            read_pj_per_byte=technology.DRAM_READ_PJ_PER_BYTE,
            write_pj_per_byte=technology.DRAM_WRITE_PJ_PER_BYTE,
            ports="shared",
        ),
    )
    arithmetic = technology.arithmetic(NODE_NM)
    return build_architecture(levels, clock_hz=CLOCK_HZ, **dataclasses.asdict(arithmetic), dtype=dtype)


def expected_fractions(point: Mapping[str, jax.Array], decision: Decision, dtype: jax.typing.DTypeLike) -> list[jax.Array]:
    """Expected fraction of weights, inputs and outputs in a memory; they sum to one."""
    fractions = np.array([split_fractions(str(option)) for option in decision.options])
    probabilities = point[decision.name].astype(dtype)
    return [jnp.sum(probabilities * jnp.asarray(column, dtype), axis=-1) for column in fractions.T]


def chunk_architecture(
    point: Mapping[str, jax.Array], dram_bytes: jax.Array, dtype: jax.typing.DTypeLike = jnp.float32
) -> Architecture:
    """The chunk at a point of ARCHITECTURE_KNOBS, by their plain names; expected values where it is soft.

    Args:
      point: probabilities.
      dram_bytes: bytes/cycle that the chunk has of the link to DRAM.
      dtype: floating type of all numbers.
    """
    knobs = {knob.name: knob for knob in ARCHITECTURE_KNOBS}
    rows, columns, interconnect, registers, buffer_kib = (
        expectation(point, knobs[name], dtype)
        for name in ("rows", "columns", "interconnect_bytes", "register_bytes", "buffer_kib")
    )
    register_bytes = tuple(f * registers for f in expected_fractions(point, knobs["register_split"], dtype))
    buffer_bytes = tuple(f * buffer_kib * 1024 for f in expected_fractions(point, knobs["buffer_split"], dtype))
    return build_chunk(ChunkSizes(rows, columns, interconnect, register_bytes, buffer_bytes, dram_bytes), dtype)
