"""Spaces of the ASICs that published networks are set on, and pipelines to start from that are made of single chunks."""

import itertools
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.asic import evaluate_pipeline, group_names, group_of, price_designs
from dna_jax.search.asic_steps import GOALS, Goal
from dna_jax.spaces import Design, Space, asic_pipeline_space
from dna_jax.spaces.asic_pipeline import BANDWIDTH_GBPS, BANDWIDTH_WEIGHT, allocation_name, automatic_schedules, chunk_name
from dna_jax.workload import Layer

CHUNKED = "chunked"
SINGLE = {f"{style}_like": style for style in ("eyeriss", "nvdla", "shidiannao")}
"""Kinds of one chunk -> its style."""

KINDS = (*SINGLE, CHUNKED)

CHUNKS = 3
"""Of a pipeline."""


def single_space(layers: Sequence[Layer], style: str) -> Space:
    """One chunk of a style: array, memories, splits, interconnect and bandwidth are free; the mapper schedules.

    All layers run on it, so that their groups do not matter: those of classes are alike in all networks.
    """
    held: Design = {chunk_name(1, "style"): style, chunk_name(1, BANDWIDTH_WEIGHT.name): 1}
    return asic_pipeline_space(group_names(layers, "class"), 1).fix(held | automatic_schedules(1))


def space_of(kind: str, layers: Sequence[Layer]) -> Space:
    """Of one of KINDS."""
    return chunked_space(layers) if kind == CHUNKED else single_space(layers, SINGLE[kind])


def chunked_space(layers: Sequence[Layer]) -> Space:
    """Chunks whose styles are free too, and the allocation of blocks to them."""
    return asic_pipeline_space(group_names(layers), CHUNKS).fix(automatic_schedules(CHUNKS))


def third_of(space: Space, single: Design, area_mm2: float) -> tuple[Space, float]:
    """The space of a single chunk on the same link, and the area with the link of one of as many as a pipeline has."""
    link = technology.LINK_MM2_PER_GBPS * float(single[BANDWIDTH_GBPS.name])
    return space.fix({BANDWIDTH_GBPS.name: single[BANDWIDTH_GBPS.name]}), (area_mm2 - link) / CHUNKS + link


def _of_alike(single: Design, space: Space, allocation: Design) -> Design:
    """A pipeline whose chunks are all that of a design of one chunk, with equal shares of its link."""
    first = chunk_name(1, "")
    knobs = {name.removeprefix(first): value for name, value in single.items() if name.startswith(first)}
    design: Design = {BANDWIDTH_GBPS.name: single[BANDWIDTH_GBPS.name]} | allocation
    for chunk in range(1, CHUNKS + 1):
        design |= {chunk_name(chunk, knob): value for knob, value in knobs.items()}
    return design | dict(space.fixed)


def one_chunk(single: Design, space: Space, layers: Sequence[Layer]) -> Design:
    """A pipeline that runs everything on its first chunk: the others are not built, and it costs what the design does."""
    return _of_alike(single, space, {allocation_name(group): 1 for group in group_names(layers)})


def chunks_alike(single: Design, space: Space, layers: Sequence[Layer], goal: Goal) -> Design:
    """A pipeline of equal chunks, each with a third of the link and of the work, blocks in sequence."""
    groups = group_names(layers)
    # As they run with a third of the link, wherever.
    spread: Design = {allocation_name(group): 1 + i % CHUNKS for i, group in enumerate(groups)}
    _, placed = evaluate_pipeline(layers, _of_alike(single, space, spread), objective=GOALS[goal])
    times = np.zeros(len(groups))
    for layer in placed:
        times[groups.index(group_of(layer.layer))] += layer.milliseconds
    until = np.concatenate([[0], np.cumsum(times)])
    # Every way to cut the sequence; the best has the fastest slowest chunk.
    cuts = itertools.combinations_with_replacement(range(len(groups) + 1), CHUNKS - 1)
    best = min(cuts, key=lambda cut: max(np.diff(until[[0, *cut, len(groups)]])))
    chunks = 1 + np.searchsorted(best, np.arange(len(groups)), side="right")
    allocation: Design = {allocation_name(group): int(chunk) for group, chunk in zip(groups, chunks, strict=True)}
    return _of_alike(single, space, allocation)


def starting_pipeline(
    singles: Sequence[Design], space: Space, layers: Sequence[Layer], goal: Goal, area_mm2: float
) -> Design:
    """The better within the area of the first design of one chunk for all layers, and chunks alike of each other design."""
    first, *others = singles
    designs = [one_chunk(first, space, layers), *(chunks_alike(single, space, layers, goal) for single in others)]
    indices = [[decision.index(design[decision.name]) for decision in space.decisions] for design in designs]
    costs = price_designs(space, layers, np.array(indices), objective=GOALS[goal])
    kept = (costs.area_mm2 <= area_mm2) & (costs.overflow_kib <= 0)
    return designs[int(np.argmin(np.where(kept, getattr(costs, goal), np.inf)))]
