"""The edge accelerator space of NAHAS (Table 1): 50,000 designs around an industry edge accelerator."""

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Design, Space

PES_X = Decision("accelerator.pes_x", (1, 2, 4, 6, 8))
PES_Y = Decision("accelerator.pes_y", (1, 2, 4, 6, 8))
SIMD_UNITS = Decision("accelerator.simd_units", (16, 32, 64, 128))
COMPUTE_LANES = Decision("accelerator.compute_lanes", (1, 2, 4, 8))
LOCAL_MEMORY_MB = Decision("accelerator.local_memory_mb", (0.5, 1, 2, 3, 4))
REGISTER_FILE_KB = Decision("accelerator.register_file_kb", (8, 16, 32, 64, 128))
IO_BANDWIDTH_GBPS = Decision("accelerator.io_bandwidth_gbps", (5, 10, 15, 20, 25))

BASELINE: Design = {
    PES_X.name: 4,
    PES_Y.name: 4,
    SIMD_UNITS.name: 64,
    COMPUTE_LANES.name: 4,
    LOCAL_MEMORY_MB.name: 2,
    REGISTER_FILE_KB.name: 32,
    # Table 1 leaves the baseline's bandwidth open; 20 GB/s is an assumption.
    IO_BANDWIDTH_GBPS.name: 20,
}
"""The baseline of NAHAS Table 1: 26.2 TOPS int8 at 0.8 GHz."""


def nahas_edge_space() -> Space:
    """PE array, SIMD units, lanes, memories and IO bandwidth: 5 * 5 * 4 * 4 * 5 * 5 * 5 = 50,000 designs."""
    return Space(
        "nahas_edge",
        (PES_X, PES_Y, SIMD_UNITS, COMPUTE_LANES, LOCAL_MEMORY_MB, REGISTER_FILE_KB, IO_BANDWIDTH_GBPS),
    )
