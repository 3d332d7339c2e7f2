"""The discrete design that a search on the accelerators of a template ends with: within the budgets if one is found."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from dna_jax.hardware import Cost, Template
from dna_jax.networks import chosen_layers
from dna_jax.runs.target import gave_way
from dna_jax.search import (
    MISFIT,
    Budgets,
    Enumeration,
    Standing,
    discrete_cost,
    enumerate_accelerators,
    likeliest_within,
    most_likely_feasible,
    standing,
)
from dna_jax.spaces import Design
from dna_jax.workload import Layer

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem


@dataclasses.dataclass(frozen=True)
class Derived:
    """The discrete design that a search ends with, and its standing.

    Attributes:
      design: all decisions.
      most_likely: the most likely design, before anything gave way.
      refused: the most likely accelerator with its standing, where it misses a budget with the network of `design`, which
        then has the most likely one that meets all. None where it was not replaced.
      enumeration: every accelerator priced for its network.
      standing: of its accelerator among them.
      cost: by the discrete model, per layer.
    """

    design: Design
    most_likely: Design
    refused: tuple[Design, Standing] | None
    enumeration: Enumeration
    standing: Standing
    cost: Cost


def derive(problem: "Problem", template: Template, point: Mapping[str, jax.Array], table: pathlib.Path) -> Derived:
    """The most likely design of a point, changed where it misses a budget.

    Where some accelerator that may be had meets all budgets with its network, it gets the most likely one of these. Where
    none does, decisions of the network give way first, on the accelerator that comes nearest, until that one does; where
    none is found still, it is the most likely design. With order=network_first it gets the best accelerator instead.

    The price of every accelerator is kept in the file `table`; a resumed run reads it there.
    """
    budgets, space = problem.budgets, template.space
    free = bool(problem.accelerator_space.free)
    most_likely = design = problem.strategy.space.decode(point)
    enumeration = _every_accelerator(problem, template, design, table)
    place = standing(enumeration, space, budgets, design)
    is_beyond_reach = place.feasible == 0 if free else place.rank is None
    if is_beyond_reach:
        accelerator = nearest_accelerator(template, enumeration, budgets) if free else space.restrict(design)
        network = None if accelerator is None else network_within(problem, template, point, accelerator)
        if network is not None:
            design = design | network
            enumeration = _every_accelerator(problem, template, design, table)
            place = standing(enumeration, space, budgets, design)
    if problem.config.order == "network_first" and place.best is not None:
        design = design | place.best
        place = standing(enumeration, space, budgets, design)
    refused = None
    if place.rank is None and free:
        repaired = most_likely_feasible(enumeration, space, budgets, point)
        if repaired is not None:
            refused = problem.accelerator_space.restrict(design), place
            design = design | repaired
            place = standing(enumeration, space, budgets, design)
    cost = discrete_cost(template, chosen_layers(problem.specification, design), design)
    return Derived(design, most_likely, refused, enumeration, place, cost)


def _every_accelerator(problem: "Problem", template: Template, design: Design, table: pathlib.Path) -> Enumeration:
    """Of a template, priced for the network of a design; of `table` if that has it."""
    network = json.dumps(problem.network_space.restrict(design), sort_keys=True)
    enumeration = Enumeration.load(table, network)
    if enumeration is None:
        enumeration = enumerate_accelerators(template, chosen_layers(problem.specification, design))
        enumeration.save(table, network)
    return enumeration


def nearest_accelerator(template: Template, enumeration: Enumeration, budgets: Budgets) -> Design | None:
    """The accelerator that exceeds its budgets least with the network it was priced for, of those within the area, which no
    network changes; one whose tiles fit, if there is any. None where the area of all exceeds its budget."""
    limits, costs = dict(budgets.items()), enumeration.costs
    within = costs["area_mm2"] <= limits.get("area_mm2", np.inf)
    if not within.any():
        return None
    over = np.max([np.full(len(within), -np.inf), *(np.log(costs[name] / limit) for name, limit in limits.items())], axis=0)
    return template.space.design(enumeration.indices[np.lexsort((over, ~enumeration.valid, ~within))[0]])


def log_excess(problem: "Problem", template: Template, layers: Sequence[Layer], accelerator: Design) -> dict[str, float]:
    """What a network exceeds on an accelerator, 0 or less where that is met: the logarithm of every cost over its budget, by
    name; and as MISFIT that of 1 + KiB by which tiles exceed memories."""
    cost = discrete_cost(template, layers, accelerator)
    priced = {"latency_ms": cost.latency_s * 1e3, "energy_mj": cost.energy_j * 1e3, "area_mm2": cost.area_mm2}
    over = {name: math.log(priced[name] / limit) for name, limit in problem.budgets.items()}
    return over | {MISFIT: math.log1p(cost.overflow_bytes / 1024)}


def network_within(
    problem: "Problem", template: Template, point: Mapping[str, jax.Array], accelerator: Design
) -> Design | None:
    """The most likely network that runs and meets all budgets on an accelerator, as `likeliest_within` finds it; None where
    it finds none."""

    def judged(network: Design) -> tuple[Design, Design, dict[str, float]]:
        layers = chosen_layers(problem.specification, network)
        return network, accelerator, log_excess(problem, template, layers, accelerator)

    return likeliest_within(problem.strategy, point, judged)


def _standing_sentence(derived: Derived) -> str:
    place = derived.standing
    if place.rank is None or place.gap is None:
        sentence = "the accelerator does not meet all budgets with this network"
    else:
        sentence = (
            f"accelerator rank {place.rank} of the {place.feasible} that meet them with this network, "
            f"{100 * place.gap:.2f} % above the best in the geometric mean of cost over budget"
        )
    if derived.refused is None:
        return sentence
    return f"{sentence}; the most likely accelerator missed a budget and gave way to the most likely one that meets all"


def optimality(problem: "Problem", derived: Derived) -> dict[str, Any]:
    """That of a verdict on a design."""
    place, refused = derived.standing, derived.refused
    changed, said = gave_way(problem.network_space, derived.design, derived.most_likely)
    return {
        "accelerator_rank": place.rank,
        "accelerator_gap": place.gap,
        "feasible_accelerators": place.feasible,
        "method": f"all {place.total} accelerators priced for the network found, {place.feasible} of them feasible; "
        "ranked by the geometric mean of cost over budget",
        "best_accelerator": place.best,
        "best_cost": place.best_costs,
        "most_likely_accelerator": refused and {"accelerator": refused[0], "accelerator_gap": refused[1].gap},
        "most_likely_network_kept": not changed,
        "decisions_that_gave_way": changed,
        "standing": _standing_sentence(derived) + said,
    }
