"""A Gemmini-like accelerator: a square mesh that keeps weights, an accumulator bank per column, one scratchpad.

Levels, bandwidths and energies are those of the Timeloop and Accelergy description used by DOSA (Hong et al., MICRO 2023,
section 5): each unit of the mesh holds one weight; input channels run down the mesh and are summed on the way, output
channels run across it.
"""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, every_combination
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture
from dna_jax.hardware.template import Template
from dna_jax.spaces import expectation, gemmini_space
from dna_jax.spaces import gemmini as knobs

CLOCK_HZ = 1e9
MAC_PJ = 0.5608
REGISTER_PJ = 0.48746
DRAM_PJ = 100.0
ACCUMULATOR_PJ, ACCUMULATOR_PJ_PER_KIB = 1.94, 0.1005
SCRATCHPAD_PJ, SCRATCHPAD_PJ_PER_KIB = 0.49, 0.02513
"""Energy per access of a word (Accelergy, 40 nm, as DOSA tabulates it): linear in the KiB of one bank."""

DRAM_WORDS_PER_CYCLE = 8
_NODE_NM = 45
_WORD_BYTES = 4
"""Of an accumulator."""


def gemmini_architecture(
    mesh: Number,
    accumulator_words: Number,
    scratchpad_words: Number,
    dtype: jax.typing.DTypeLike = jnp.float32,
    accumulator_word_bytes: float = _WORD_BYTES,
) -> Architecture:
    """The accelerator. Register files have no limit on bandwidth.

    Args:
      mesh: side of the square mesh.
      accumulator_words: 32-bit words of one accumulator bank.
      scratchpad_words: 8-bit words of the scratchpad.
      dtype: floating type of all numbers.
      accumulator_word_bytes: what a word of the accumulator counts for. Timeloop counts words of whatever width: price
        with 1 and a workload whose operands and partial sums are all 8 bits wide to count as it does.
    """
    accumulator_kib = jnp.asarray(accumulator_words, dtype) * _WORD_BYTES / 1024
    scratchpad_kib = jnp.asarray(scratchpad_words, dtype) / 1024
    accumulator_pj = (ACCUMULATOR_PJ + ACCUMULATOR_PJ_PER_KIB * accumulator_kib) / accumulator_word_bytes
    scratchpad_pj = SCRATCHPAD_PJ + SCRATCHPAD_PJ_PER_KIB * scratchpad_kib
    sram = technology.sram(_NODE_NM)
    levels = (
        Level(
            "registers",
            "W",
            1.0,
            read_pj_per_byte=REGISTER_PJ,
            write_pj_per_byte=REGISTER_PJ,
            area_mm2=technology.register_mm2(_NODE_NM, 1),
        ),
        Level(
            "accumulator",
            "O",
            accumulator_words * accumulator_word_bytes,
            read_bandwidth=2.0 * accumulator_word_bytes,
            write_bandwidth=2.0 * accumulator_word_bytes,
            read_pj_per_byte=accumulator_pj,
            write_pj_per_byte=accumulator_pj,
            area_mm2=sram.lookup("area_mm2", accumulator_kib * 1024, 32.0),
            ports="shared",
            fanouts=(Fanout("rows", mesh),),
        ),
        Level(
            "scratchpad",
            "WI",
            scratchpad_words,
            read_bandwidth=2 * mesh,
            write_bandwidth=2 * mesh,
            read_pj_per_byte=scratchpad_pj,
            write_pj_per_byte=scratchpad_pj,
            area_mm2=sram.lookup("area_mm2", scratchpad_kib * 1024, jnp.clip(jnp.asarray(mesh, dtype) * 8, 32, 256)),
            ports="shared",
            slides=True,
            fanouts=(Fanout("columns", mesh),),
        ),
        Level(
            "dram",
            "WIO",
            read_bandwidth=DRAM_WORDS_PER_CYCLE,
            write_bandwidth=DRAM_WORDS_PER_CYCLE,
            read_pj_per_byte=DRAM_PJ,
            write_pj_per_byte=DRAM_PJ,
            ports="shared",
        ),
    )
    mac_mm2 = technology.arithmetic(_NODE_NM).mac_mm2
    return build_architecture(levels, clock_hz=CLOCK_HZ, mac_pj=MAC_PJ, mac_mm2=mac_mm2, whole_rows=True, dtype=dtype)


def gemmini_candidates() -> CandidateSet:
    """Mappings as Gemmini's loop instructions run them: input channels down the mesh, output channels across it, and tiles
    whose outputs stay in the accumulators until they are complete or leave the chip.

    Tiles that grow along few dimensions are there so that a larger memory does not force a worse tile: with them, one of 512
    random layers was slower with more memory, by 2.4 %.
    """
    return every_combination(
        layouts=(("C",), ("KG",)),
        growth=(
            (1, ("QPN", "")),
            (1, ("SRCQPNKG", "QPNKGSRC", "SRCKGQPN", "SRC", "QPN", "SRCQPN", "SRCQKG", "QKGSRC", "QSRCKG")),
            (1, ("",)),
        ),
        last_order=("SRCQPNKG", "QPNSRCKG", "SRCKGQPN"),
    )


def gemmini(
    mesh: Number = 16.0,
    accumulator_words: Number = 1024.0,
    scratchpad_kib: Number = 256.0,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Accelerator:
    """The default generator parameters of Gemmini: a 16 x 16 mesh, 64 KiB of accumulators, 256 KiB of scratchpad."""
    architecture = gemmini_architecture(mesh, accumulator_words, scratchpad_kib * 1024, dtype)
    return Accelerator("gemmini", architecture, gemmini_candidates())


def _architecture_at(point: Mapping[str, jax.Array], dtype: jax.typing.DTypeLike = jnp.float32) -> Architecture:
    """The accelerator at a point of the space; expected knob values where the point is soft."""
    mesh, accumulator_kib, scratchpad_kib = (
        expectation(point, knob, dtype) for knob in (knobs.MESH, knobs.ACCUMULATOR_KIB, knobs.SCRATCHPAD_KIB)
    )
    # One bank of the accumulators for each column of the mesh.
    bank_words = accumulator_kib * 1024 / _WORD_BYTES / mesh
    return gemmini_architecture(mesh, bank_words, scratchpad_kib * 1024, dtype)


@functools.cache
def gemmini_template() -> Template:
    """The template: 245 designs."""
    return Template(
        name="gemmini",
        space=gemmini_space(),
        architecture=_architecture_at,
        candidates=gemmini_candidates(),
        baseline=knobs.BASELINE,
    )
