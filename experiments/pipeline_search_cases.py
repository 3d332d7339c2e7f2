"""Networks whose pipelines are searched, their proven optima, and how near to these searches come."""

import dataclasses
import functools
import pathlib
import statistics
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import Model
from dna_jax.networks import StatedNetwork, read_networks
from dna_jax.search import (
    FoundPipeline,
    Limits,
    PipelineProblem,
    PipelineSearchConfig,
    certified_optimum,
    evaluations_per_step,
    search_pipelines,
)
from dna_jax.spaces import OPERATIONS, WIDTHS, Space, as_released, fpga_pipeline_space
from dna_jax.workload import Layer

LIMITS = (Limits(900, 700), Limits(220, 280), Limits(64, 140))

NEAR = 0.95
"""Share of the optimum that counts as near it."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One problem: a network under limits, and its certified optimum."""

    name: str
    layers: tuple[Layer, ...]
    space: Space
    limits: Limits
    model: Model
    optimum_fps: float


def stated_networks(path: pathlib.Path) -> list[StatedNetwork]:
    """Those of a file.

    Raises:
      UserError: if there is none, or one for which the space of pipelines has no chunks.
    """
    networks = read_networks(path)
    if not networks:
        raise UserError(f"--networks={path} states no network; leave the flag out for those of Auto-NBA.")
    for network in networks:
        if not set(network.bits) <= set(WIDTHS):
            raise UserError(
                f"The network {network.name!r} has operand widths other than {', '.join(map(str, WIDTHS))} bits; state "
                "others, for the pipelines of this benchmark have chunks of these widths alone."
            )
    return networks


def random_networks(count: int) -> list[StatedNetwork]:
    """Networks drawn uniformly from the space, for CIFAR and ImageNet in turn."""
    generator, networks = np.random.default_rng(0), []
    for index in range(count):
        operations = tuple(str(name) for name in generator.choice(OPERATIONS, 22))
        bits = tuple(int(width) for width in generator.choice(WIDTHS, 22))
        plan = ("cifar", "imagenet")[index % 2]
        networks.append(StatedNetwork(f"random{index}", f"random_{plan}_{index}", plan, operations, bits))
    return networks


@functools.cache
def case(network: StatedNetwork, limits: Limits, mode: str, model: Model, allocation: str = "released") -> Case | None:
    """A problem; None where no pipeline meets the limits.

    Args:
      network: to be run.
      limits: of the device.
      mode: compute modes "free", or "fixed" to those of the release.
      model: "released" or "corrected".
      allocation: "searched", or "released" for that of the release.
    """
    layers = PipelineProblem(network, model).layers
    held = as_released(network.plan, mode=mode == "fixed", allocation=allocation == "released")
    space = fpga_pipeline_space(network.plan).fix(held)
    optimum = certified_optimum(layers, space, limits, model)
    if optimum.design is None:
        return None
    return Case(network.name, tuple(layers), space, limits, model, optimum.fps)


def judge(cases: Iterable[Case | None], config: PipelineSearchConfig, seeds: int) -> dict[str, Any]:
    """Percent of the optimum over cases and seeds, share of runs that end within the limits, seconds per run; evaluations to
    come within 5 % of the optimum, median over all runs, None where half of them do not.

    Raises:
      UserError: if no case has an optimum.
    """
    percent, feasible, seconds, curves, needed, evaluations = [], [], [], [], [], 0
    for index, problem in enumerate(case for case in cases if case is not None):
        arguments = problem.layers, problem.space, problem.limits, config, range(seeds), problem.model
        if not index:
            search_pipelines(*arguments)
        each = evaluations_per_step(config, problem.space)
        evaluations = config.steps * each
        began = time.perf_counter()
        found: list[FoundPipeline] = search_pipelines(*arguments)
        seconds.append((time.perf_counter() - began) / seeds)
        percent.append([100 * run.fps / problem.optimum_fps for run in found])
        feasible += [run.fps > 0 and run.dsp <= problem.limits.dsp and run.bram <= problem.limits.bram for run in found]
        histories = np.array([run.history for run in found]) / problem.optimum_fps
        curves.append(np.mean(histories, axis=0) * 100)
        near = histories >= NEAR
        needed += list(np.where(near.any(axis=1), (near.argmax(axis=1) + 1.0) * each, np.inf))
    if not percent:
        raise UserError("No pipeline for any of the networks fits the limits that are measured; state smaller networks.")
    median = statistics.median(needed)
    return {
        "cases": len(percent),
        "mean_percent": float(np.mean(percent)),
        "least_percent": float(np.min(percent)),
        "least_network_percent": float(np.mean(percent, axis=1).min()),
        "feasible_share": float(np.mean(feasible)),
        "seconds_per_run": statistics.median(seconds),
        "evaluations": evaluations,
        "evaluations_to_95_percent": float(median) if np.isfinite(median) else None,
        "share_within_5_percent": float(np.mean(np.isfinite(needed))),
        "curve": [round(float(value), 3) for value in np.mean(curves, axis=0)],
    }
