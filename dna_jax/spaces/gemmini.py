"""A space of Gemmini-like accelerators: generator parameters around the default of Gemmini (Genc et al., DAC 2021)."""

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Design, Space

MESH = Decision("accelerator.mesh", (4, 8, 16, 32, 64))
ACCUMULATOR_KIB = Decision("accelerator.accumulator_kib", (8, 16, 32, 64, 128, 256, 512))
SCRATCHPAD_KIB = Decision("accelerator.scratchpad_kib", (32, 64, 128, 256, 512, 1024, 2048))

BASELINE: Design = {MESH.name: 16, ACCUMULATOR_KIB.name: 64, SCRATCHPAD_KIB.name: 256}
"""The default generator parameters."""


def gemmini_space() -> Space:
    """Side of the mesh, KiB of all accumulators, KiB of the scratchpad: 5 * 7 * 7 = 245 designs."""
    return Space("gemmini", (MESH, ACCUMULATOR_KIB, SCRATCHPAD_KIB))
