"""A learned correction of analytical cycles towards RTL."""

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
