"""The edge accelerator of NAHAS (Table 1) as a template.

A grid of PEs, each with a local memory and compute lanes; each lane has a register file and SIMD units; each SIMD unit is
a 4-way int8 dot product with a 32-bit accumulator. What the paper leaves open is assumed as in the ZigZag description of
the same template: register-file ports of 32 bits per SIMD unit, cycle and operand; local-memory ports of one byte per
SIMD unit and cycle, one to read and one to write; free multicast and spatial reduction; a DRAM port shared by reads and
writes. Transfers run beside computation from the first cycle to the last: were the first tiles waited for, larger memories,
which hold larger ones, would make a layer slower.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture
from dna_jax.hardware.template import Template
from dna_jax.hardware.templates.nahas_edge_mappings import edge_candidates
from dna_jax.spaces import expectation, nahas_edge_space
from dna_jax.spaces import nahas_edge as knobs

CLOCK_HZ = 0.8e9
DOT_PRODUCT = 4.0
NODE_NM = 22

Activations = Literal["where_they_fit", "on_chip", "off_chip"]
"""Where a layer's inputs and outputs live: in the local memories if they fit all of them together, else across the IO link;
always in the local memories; always across the link. Weights always cross it."""


class EdgeSizes(NamedTuple):
    """The knobs of the template: PEs in both directions, SIMD units of a lane, lanes of a PE, MB of a local memory, KB of a
    register file, GB/s of the IO link."""

    pes_x: Number
    pes_y: Number
    simd_units: Number
    compute_lanes: Number
    local_memory_mb: Number
    register_file_kb: Number
    io_bandwidth_gbps: Number


_KNOBS = (
    knobs.PES_X,
    knobs.PES_Y,
    knobs.SIMD_UNITS,
    knobs.COMPUTE_LANES,
    knobs.LOCAL_MEMORY_MB,
    knobs.REGISTER_FILE_KB,
    knobs.IO_BANDWIDTH_GBPS,
)


def edge_architecture(point: Mapping[str, jax.Array], dtype: jax.typing.DTypeLike = jnp.float32) -> Architecture:
    """The accelerator at a point of the edge space; expected knob values where the point is soft."""
    return build_edge(EdgeSizes(*(expectation(point, knob, dtype) for knob in _KNOBS)), dtype)


def build_edge(
    sizes: EdgeSizes, dtype: jax.typing.DTypeLike = jnp.float32, activations: Activations = "where_they_fit"
) -> Architecture:
    """The accelerator of the sizes given, in or out of the published space."""
    pes_x, pes_y, simd, lanes, memory_mb, register_kb, io_gbps = (jnp.asarray(size, dtype) for size in sizes)
    arithmetic = technology.arithmetic(NODE_NM)

    def memory(name: str, capacity_bytes: jax.Array, bandwidth: jax.Array, ports: str, fanouts: tuple[Fanout, ...]) -> Level:
        figure = functools.partial(technology.sram(NODE_NM).lookup, capacity_bytes=capacity_bytes)
        port_bytes = technology.PORT_BITS / 8
        return Level(
            name,
            "WIO",
            capacity_bytes,
            read_bandwidth=bandwidth,
            write_bandwidth=bandwidth,
            read_pj_per_byte=figure("read_energy_pJ") / port_bytes,
            write_pj_per_byte=figure("write_energy_pJ") / port_bytes,
            area_mm2=figure("area_mm2"),
            ports=ports,
            double_buffered=True,
            fanouts=fanouts,
        )

    dram_bandwidth = io_gbps * 1e9 / CLOCK_HZ
    levels = (
        Level(
            "accumulator",
            "O",
            4.0,
            read_pj_per_byte=technology.REGISTER_PJ_PER_BYTE,
            write_pj_per_byte=technology.REGISTER_PJ_PER_BYTE,
            area_mm2=technology.register_mm2(NODE_NM, 4),
            ports="per_operand",
            fanouts=(Fanout("dot_product", DOT_PRODUCT),),
        ),
        memory("register_file", register_kb * 1024, simd * 4, "per_operand", (Fanout("simd_units", simd),)),
        memory("local_memory", memory_mb * 1024**2, lanes * simd, "read_write", (Fanout("lanes", lanes),)),
        Level(
            "dram",
            "W" if activations == "on_chip" else "WIO",
            read_bandwidth=dram_bandwidth,
            write_bandwidth=dram_bandwidth,
            read_pj_per_byte=technology.DRAM_READ_PJ_PER_BYTE,
            write_pj_per_byte=technology.DRAM_WRITE_PJ_PER_BYTE,
            ports="shared",
            fanouts=(Fanout("pes_x", pes_x), Fanout("pes_y", pes_y)),
        ),
    )
    return build_architecture(
        levels,
        clock_hz=CLOCK_HZ,
        **dataclasses.asdict(arithmetic),
        link_mm2=technology.LINK_MM2_PER_GBPS * io_gbps,
        resident_level=2 if activations == "where_they_fit" else None,
        dtype=dtype,
    )


@functools.cache
def nahas_edge() -> Template:
    """The template: 50,000 designs."""
    return Template(
        name="nahas_edge",
        space=nahas_edge_space(),
        architecture=edge_architecture,
        candidates=edge_candidates(),
        baseline=knobs.BASELINE,
    )


def edge_baseline(dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The published baseline as one accelerator."""
    template = nahas_edge()
    point = template.space.encode(template.baseline)
    return Accelerator(template.name, template.architecture(point, dtype), template.candidates)
