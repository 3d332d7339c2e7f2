"""Accelerators as MAESTRO describes them (Kwon et al., MICRO 2019): clusters of PEs behind a network, fixed mappings.

Tools of this kind move whole tiles: every step fetches the tiles of the PEs and of the shared buffer anew, and a PE computes
only once its tile has come. Bandwidths count elements; price them with operands of one byte.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice, complete
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture, priced

_NODE_NM = 22
"""MAESTRO names no process; energy and area are those of this node."""


_NOTES = (
    "as in MAESTRO, outputs stay on the chip and partial sums are as wide as operands",
    "every layer runs under the one mapping for dense layers, depthwise ones too",
)


def _one_mapping(layouts: tuple[str, ...], levels: int) -> CandidateSet:
    """Kernels inside the PE, everything else outside of all memories."""
    growth = ("SR", *[""] * (levels - 1))
    order = (complete("SR"),) * (levels - 1) + (complete("QPC"),)
    return CandidateSet(((SpatialChoice(layouts), Schedule(growth, order)),))


def _build(levels: Sequence[Level], dtype: jax.typing.DTypeLike) -> Architecture:
    arithmetic = technology.arithmetic(_NODE_NM)
    return build_architecture(
        [
            dataclasses.replace(level, area_mm2=0.0) if level.name == "cluster" else priced(level, _NODE_NM)
            for level in levels
        ],
        clock_hz=1e9,
        mac_pj=arithmetic.mac_pj,
        mac_mm2=arithmetic.mac_mm2,
        dtype=dtype,
    )


def _clustered(
    name: str,
    layouts: tuple[str, str],
    pes: Number,
    cluster: Number,
    network_bandwidth: Number,
    offchip_bandwidth: Number,
    dtype: jax.typing.DTypeLike,
) -> Accelerator:
    levels = (
        Level("pe", "WIO", 512.0, refetched=True, waits=True),
        Level("cluster", "WIO", fanouts=(Fanout("pes", cluster),), read_bandwidth=network_bandwidth),
        Level(
            "shared_buffer",
            "WIO",
            128.0 * 1024,
            read_bandwidth=network_bandwidth,
            ports="per_operand",
            refetched=True,
            fanouts=(Fanout("clusters", pes / cluster),),
        ),
        Level("dram", "WI", read_bandwidth=offchip_bandwidth),
    )
    architecture = _build(levels, dtype)
    return Accelerator(name, architecture, _one_mapping(layouts, len(levels)), _NOTES, partial_bits=8)


def nvdla_like(
    pes: Number = 256.0,
    network_bandwidth: Number = 64.0,
    *,
    depthwise: bool = False,
    offchip_bandwidth: Number = 50.0,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Accelerator:
    """NVDLA-like: clusters of 64 PEs sum input channels, clusters hold output channels, pixels follow one another.

    Args:
      pes: processing elements, a multiple of 64.
      network_bandwidth: elements/cycle of the network into a cluster.
      depthwise: the mapping of depthwise layers: channels over all PEs, no clusters, transfers beside computation.
      offchip_bandwidth: elements/cycle.
      dtype: floating type of all numbers.
    """
    if not depthwise:
        return _clustered("nvdla_like", ("C", "KG"), pes, 64.0, network_bandwidth, offchip_bandwidth, dtype)
    levels = (
        Level("pe", "WIO", 512.0, slides=True),
        Level(
            "shared_buffer",
            "WIO",
            128.0 * 1024,
            read_bandwidth=network_bandwidth,
            ports="per_operand",
            refetched=True,
            fanouts=(Fanout("pes", pes),),
        ),
        Level("dram", "WI", read_bandwidth=offchip_bandwidth),
    )
    architecture = _build(levels, dtype)
    return Accelerator("nvdla_like_depthwise", architecture, _one_mapping(("G",), len(levels)), partial_bits=8)


def shidiannao_like(
    pes: Number = 256.0,
    network_bandwidth: Number = 64.0,
    *,
    offchip_bandwidth: Number = 50.0,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Accelerator:
    """ShiDianNao-like: output rows over clusters, output columns over the 8 PEs of each; channels follow one another."""
    return _clustered("shidiannao_like", ("Q", "P"), pes, 8.0, network_bandwidth, offchip_bandwidth, dtype)
