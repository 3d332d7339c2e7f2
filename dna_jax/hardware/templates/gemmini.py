"""A Gemmini-like accelerator: a square mesh that keeps weights, an accumulator bank per column, one scratchpad.

Levels, bandwidths and energies are those of the Timeloop and Accelergy description used by DOSA (Hong et al., MICRO 2023,
section 5): each unit of the mesh holds one weight; input channels run down the mesh and are summed on the way, output
channels run across it.
"""

import jax
import jax.numpy as jnp

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture

CLOCK_HZ = 1e9
MAC_PJ = 0.5608
REGISTER_PJ = 0.48746
DRAM_PJ = 100.0
ACCUMULATOR_PJ, ACCUMULATOR_PJ_PER_KIB = 1.94, 0.1005
SCRATCHPAD_PJ, SCRATCHPAD_PJ_PER_KIB = 0.49, 0.02513
"""Energy per access of a word (Accelergy, 40 nm, as DOSA tabulates it): linear in the KiB of one bank."""

DRAM_WORDS_PER_CYCLE = 8


def gemmini_architecture(
    mesh: Number, accumulator_words: Number, scratchpad_words: Number, dtype: jax.typing.DTypeLike = jnp.float32
) -> Architecture:
    """The accelerator in words: each level moves words of its own width, so bytes stand for words throughout.

    Price it with a workload whose operands and partial sums are all 8 bits wide. Register files have no limit on bandwidth.

    Args:
      mesh: side of the square mesh.
      accumulator_words: 32-bit words of one accumulator bank.
      scratchpad_words: 8-bit words of the scratchpad.
      dtype: floating type of all numbers.
    """
    accumulator_pj = ACCUMULATOR_PJ + ACCUMULATOR_PJ_PER_KIB * accumulator_words * 4 / 1024
    scratchpad_pj = SCRATCHPAD_PJ + SCRATCHPAD_PJ_PER_KIB * scratchpad_words / 1024
    levels = (
        Level("registers", "W", 1.0, read_pj_per_byte=REGISTER_PJ, write_pj_per_byte=REGISTER_PJ),
        Level(
            "accumulator",
            "O",
            accumulator_words,
            read_bandwidth=2.0,
            write_bandwidth=2.0,
            read_pj_per_byte=accumulator_pj,
            write_pj_per_byte=accumulator_pj,
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
    return build_architecture(levels, clock_hz=CLOCK_HZ, mac_pj=MAC_PJ, mac_mm2=0.0, whole_rows=True, dtype=dtype)
