"""A learned correction of analytical cycles towards RTL.

It counts what Gemmini does for the mapping that the analytical model has chosen, and puts the cycles that these events take,
as fitted to RTL, in place of the analytical ones.
"""

from dna_jax.hardware.correction.gemmini_counts import TileCounts, tile_counts
from dna_jax.hardware.correction.model import Correction, corrected_cycles
from dna_jax.hardware.correction.rtl import load_correction, rtl_correction, save_correction
from dna_jax.hardware.correction.training import CorrectionConfig, fit_correction

__all__ = [
    "Correction",
    "CorrectionConfig",
    "TileCounts",
    "corrected_cycles",
    "fit_correction",
    "load_correction",
    "rtl_correction",
    "save_correction",
    "tile_counts",
]
