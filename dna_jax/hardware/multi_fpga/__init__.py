"""Pipelines of FPGAs, one stage on each board: what networks cost on them, and the best pipeline for one."""

from dna_jax.hardware.multi_fpga.best_pipeline import best_pipeline
from dna_jax.hardware.multi_fpga.board import Board, zcu102
from dna_jax.hardware.multi_fpga.dealing import deal_out
from dna_jax.hardware.multi_fpga.designs import board_designs, port_splits, tile_sizes
from dna_jax.hardware.multi_fpga.layer import (
    BoardDesigns,
    Convolutions,
    block_rams,
    convolutions,
    cycles,
    dsp_slices,
)
from dna_jax.hardware.multi_fpga.pipeline import Pipeline, Stage

__all__ = [
    "Board",
    "BoardDesigns",
    "Convolutions",
    "Pipeline",
    "Stage",
    "best_pipeline",
    "block_rams",
    "board_designs",
    "convolutions",
    "cycles",
    "deal_out",
    "dsp_slices",
    "port_splits",
    "tile_sizes",
    "zcu102",
]
