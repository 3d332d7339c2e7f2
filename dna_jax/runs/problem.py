"""What a configuration describes, built and checked before anything is written."""

import dataclasses
import functools

import numpy as np

from dna_jax.data import Dataset, Source, load, split
from dna_jax.errors import UserError
from dna_jax.hardware import Template
from dna_jax.hardware.correction import rtl_correction
from dna_jax.networks import Family, chosen_layers
from dna_jax.runs.config import NETWORKS, TEMPLATES, CosearchConfig
from dna_jax.search import CoSearch, discrete_cost, enumerate_accelerators
from dna_jax.spaces import Design, Space

_TRIED = 64
"""Accelerators tried one by one before all of them are priced."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """What a configuration describes, built.

    Attributes:
      config: the configuration.
      dataset: images.
      specification: the network family.
      template: the accelerator family.
      network_space, accelerator_space: with what is fixed.
    """

    config: CosearchConfig
    dataset: Dataset
    specification: Family
    template: Template
    network_space: Space
    accelerator_space: Space

    @functools.cached_property
    def parts(self) -> tuple[Source, Source]:
        """Training images for weights and for decisions."""
        return split(self.dataset.train, self.config.data.decision_fraction, self.config.seed)

    @functools.cached_property
    def strategy(self) -> CoSearch:
        """The search."""
        return CoSearch(
            config=self.config.search,
            specification=self.specification,
            template=self.template,
            network_space=self.network_space,
            accelerator_space=self.accelerator_space,
            budgets=self.config.budgets,
        )

    @property
    def published(self) -> Design:
        """The published network on the baseline accelerator."""
        return self.specification.default_design | dict(self.template.baseline)


def build_problem(config: CosearchConfig, data_dir: str | None) -> Problem:
    """Load the data and build spaces; UserError where data are missing or budgets cannot be met by any design."""
    dataset = load(config.data, data_dir, config.seed)
    make_space, make_specification = NETWORKS[config.network.space]
    height, width, channels = dataset.image_shape
    weights_part, decisions_part = split(dataset.train, config.data.decision_fraction, config.seed)
    least = min(len(weights_part), len(decisions_part)) if config.search.level == "bilevel" else len(weights_part)
    if config.data.batch_size > least:
        raise UserError(
            f"data.batch_size {config.data.batch_size} exceeds the {least} images of a part of the training set "
            f"({len(dataset.train)} in all); choose a smaller one, or another --config.data.decision_fraction."
        )
    if height != width:
        raise UserError(f"Images of {height} x {width} are not square; set --config.data.image_size.")
    specification = make_specification(
        width=config.network.width,
        image_size=height,
        classes=dataset.classes,
        stride_plan=config.network.stride_plan,
        image_channels=channels,
    )
    template = TEMPLATES[config.accelerator.template]()
    if config.cost.correction == "rtl":
        template = dataclasses.replace(template, correction=rtl_correction())
    network_space, accelerator_space = make_space(), template.space
    if config.fix == "network":
        network_space = network_space.fix(specification.default_design)
    elif config.fix == "accelerator":
        accelerator_space = accelerator_space.fix(template.baseline)
    return Problem(config, dataset, specification, template, network_space, accelerator_space)


def require_reachable(problem: Problem) -> None:
    """UserError unless some accelerator meets every budget with the smallest network of the space."""
    budgets = problem.config.budgets
    if not budgets.items():
        return
    # Kernels and expansions ascend, and a smaller one never costs more: the first option of each is the cheapest network.
    smallest = {
        decision.name: problem.network_space.fixed.get(decision.name, decision.options[0])
        for decision in problem.network_space.decisions
    }
    layers = chosen_layers(problem.specification, smallest)
    # Some accelerator out of a few mostly settles it, without pricing the whole space.
    space = problem.accelerator_space
    for row in np.random.default_rng(0).permutation(space.grid())[:_TRIED]:
        cost = discrete_cost(problem.template, layers, space.design(row))
        priced = {"latency_ms": cost.latency_s * 1e3, "energy_mj": cost.energy_j * 1e3, "area_mm2": cost.area_mm2}
        if cost.overflow_bytes <= 0 and all(priced[name] <= limit for name, limit in budgets.items()):
            return
    enumeration = enumerate_accelerators(problem.template, layers, problem.accelerator_space)
    if enumeration.feasible(budgets).any():
        return
    if not enumeration.valid.any():
        raise UserError("No accelerator of the space holds the tiles of the smallest network; lower --config.network.width.")
    least = ", ".join(f"{name} {enumeration.costs[name][enumeration.valid].min():.4g}" for name, _ in budgets.items())
    asked = ", ".join(f"{name} {limit:.4g}" for name, limit in budgets.items())
    raise UserError(
        f"No design meets the budgets ({asked}) together; the least that the smallest network reaches, each on an "
        f"accelerator of its own, is {least}: raise a budget, or lower --config.network.width."
    )
