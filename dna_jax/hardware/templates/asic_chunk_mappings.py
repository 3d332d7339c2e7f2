"""The mappings that a chunk of an ASIC pipeline considers, and the pool from which they were taken.

Levels are those of `asic_chunk`: registers of sums, weights and inputs, buffers of outputs, weights and inputs, DRAM.
"""

import functools
import itertools
from collections.abc import Sequence

from dna_jax.hardware.candidates import CandidateSet, Objective, Schedule, SpatialChoice, complete
from dna_jax.spaces.asic_pipeline import SCHEDULES, STYLES

_LAYOUTS = {"nvdla": ("CG", "KG"), "shidiannao": ("P", "Q"), "eyeriss": ("RKG", "PKG")}
"""Style -> what rows and columns are laid out over, in the order in which it fills them. A depthwise layer, which has one
channel per group, lays out groups instead."""

_ORDERS = {"output_stationary": "SRCQPNKG", "weight_stationary": "QPNSRCKG", "input_stationary": "KGSRCQPN"}
"""Schedule -> the loops of buffers and DRAM from the innermost: sums, pixels or output channels run inside the others, so
that outputs, weights or inputs stay meanwhile."""

_REGISTER_GROWTH = ("SRC", "KQ", "SRCKQ", "QK", "SRCQK", "")
"""What a unit's share of the tile grows along: sums or outputs first, or not at all."""

Growth = tuple[str, str, bool]
"""What the tile grows along in the registers, then in the buffers; whether the tiles of weights and then of inputs go on
growing where their own buffers have room."""

POOL: tuple[Growth, ...] = tuple(itertools.product(_REGISTER_GROWTH, _ORDERS.values(), (False, True)))

_CHOSEN: dict[tuple[str, str], tuple[Growth, ...]] = {
    ("nvdla", "output_stationary"): (("SRC", "KGSRCQPN", False), ("", "QPNSRCKG", True)),
    ("nvdla", "weight_stationary"): (("SRC", "SRCQPNKG", False), ("SRCKQ", "SRCQPNKG", True)),
    ("nvdla", "input_stationary"): (("", "KGSRCQPN", False), ("QK", "QPNSRCKG", True)),
    ("shidiannao", "output_stationary"): (("SRC", "SRCQPNKG", False), ("KQ", "KGSRCQPN", False)),
    ("shidiannao", "weight_stationary"): (("", "SRCQPNKG", True), ("SRCKQ", "KGSRCQPN", True)),
    ("shidiannao", "input_stationary"): (("SRC", "SRCQPNKG", True), ("SRCKQ", "QPNSRCKG", True)),
    ("eyeriss", "output_stationary"): (("SRC", "QPNSRCKG", False), ("SRCQK", "SRCQPNKG", True)),
    ("eyeriss", "weight_stationary"): (("SRC", "SRCQPNKG", False), ("QK", "KGSRCQPN", False)),
    ("eyeriss", "input_stationary"): (("SRC", "SRCQPNKG", True), ("KQ", "QPNSRCKG", True)),
}
"""Style and schedule -> two of the pool. The first keeps one sum in a unit and fits every chunk; the second may hold more
outputs in the registers of an array than in the buffer, and is then not taken.

The six of a style were chosen together for 41 layers (those of MobileNetV2 and four with larger kernels) on 48 random
chunks: the mean latency under "auto" is 0.6 % (nvdla), 0.4 % (shidiannao) and 2.0 % (eyeriss) above that of all 108."""

PER_SCHEDULE = 2
"""Mappings of each schedule."""


def _candidate_set(style: str, growths: Sequence[tuple[str, Growth]], objective: Objective) -> CandidateSet:
    pairs = []
    for schedule, (registers, buffers, further) in growths:
        beyond = buffers if further else ""
        # Sums run innermost within a unit.
        order = (complete("SRC"),) * 3 + (_ORDERS[schedule],) * 4
        growth = (registers, "", "", buffers, beyond, beyond, "")
        pairs.append((SpatialChoice(_LAYOUTS[style]), Schedule(growth, order)))
    return CandidateSet(tuple(pairs), objective=objective)


@functools.cache
def chunk_candidates(style: str, schedule: str = "auto", objective: Objective = "latency") -> CandidateSet:
    """The mappings of a style under a schedule; with "auto" those of all, in the order of SCHEDULES.

    Raises:
      ValueError: if there is no such style or schedule.
    """
    if style not in STYLES or schedule not in SCHEDULES:
        raise ValueError(f"No style {style!r} with schedule {schedule!r}; choose of {STYLES} and {SCHEDULES}.")
    names = SCHEDULES[1:] if schedule == "auto" else (schedule,)
    return _candidate_set(style, [(name, growth) for name in names for growth in _CHOSEN[style, name]], objective)


def chunk_pool(style: str, objective: Objective = "latency") -> CandidateSet:
    """All 108 mappings of a style in the pool."""
    return _candidate_set(style, list(itertools.product(_ORDERS, POOL)), objective)
