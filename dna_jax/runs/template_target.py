"""Runs on the accelerators of a template: every one of them priced for the network found."""

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.errors import OutOfReachError
from dna_jax.hardware import (
    Cost,
    LayerCost,
    Template,
    TemplatePricing,
    bound_names,
    capacity_violations,
    format_mapping,
)
from dna_jax.networks import chosen_layers
from dna_jax.runs.plots import plot_accelerators
from dna_jax.runs.target import Picture, Verdict, exceeded, with_own_slopes
from dna_jax.search import (
    BestAccelerator,
    Enumeration,
    Standing,
    descend_within,
    discrete_cost,
    enumerate_accelerators,
    most_likely_feasible,
    standing,
)
from dna_jax.spaces import Design, Space
from dna_jax.workload import Layer

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem

_TRIED = 64
"""Accelerators tried one by one before all of them are priced."""

LAYER_HEADINGS = ("layer", "cycles", "bound", "utilisation (%)", "energy (uJ)", "mapping")


@dataclasses.dataclass(frozen=True)
class Derived:
    """The discrete design that a search ends with, and its standing.

    Attributes:
      design: all decisions.
      most_likely: the most likely design with its standing, where it misses a budget and `design` has another accelerator:
        the most likely one that meets all. None where `design` is the most likely one.
      enumeration: every accelerator priced for its network.
      standing: of its accelerator among them.
      cost: by the discrete model, per layer.
    """

    design: Design
    most_likely: tuple[Design, Standing] | None
    enumeration: Enumeration
    standing: Standing
    cost: Cost


def derive(problem: "Problem", template: Template, point: Mapping[str, jax.Array], table: pathlib.Path) -> Derived:
    """The most likely design of a point; if it misses a budget, with the most likely accelerator that meets all.

    The price of every accelerator is kept in the file `table`; a resumed run reads it there.
    """
    budgets = problem.budgets
    design = problem.strategy.space.decode(point)
    layers = chosen_layers(problem.specification, design)
    network = json.dumps(problem.network_space.restrict(design), sort_keys=True)
    enumeration = Enumeration.load(table, network)
    if enumeration is None:
        enumeration = enumerate_accelerators(template, layers)
        enumeration.save(table, network)
    place = standing(enumeration, template.space, budgets, design)
    if problem.config.order == "network_first" and place.best is not None:
        design = design | place.best
        place = standing(enumeration, template.space, budgets, design)
    most_likely = None
    if place.rank is None and problem.accelerator_space.free:
        repaired = most_likely_feasible(enumeration, template.space, budgets, point)
        if repaired is not None:
            most_likely = design, place
            design = design | repaired
            place = standing(enumeration, template.space, budgets, design)
    return Derived(design, most_likely, enumeration, place, discrete_cost(template, layers, design))


def cost_block(template: Template, design: Design, cost: Cost) -> dict[str, float]:
    """The cost figures of summary.json."""
    with jax.enable_x64(True):
        found, baseline = (
            template.architecture(template.space.encode(values), jnp.float64)
            for values in (template.space.restrict(design), template.baseline)
        )
        baseline_area, peak_tops = float(baseline.total_area_mm2), float(found.peak_tops)
    return {
        "latency_ms": float(cost.latency_s) * 1e3,
        "energy_mj": float(cost.energy_j) * 1e3,
        "area_mm2": float(cost.area_mm2),
        "area_normalized": float(cost.area_mm2) / baseline_area,
        "peak_tops": peak_tops,
    }


def violations(
    problem: "Problem", template: Template, design: Design, cost: Mapping[str, float], layers: LayerCost
) -> list[str]:
    """What a design violates, in words: budgets, and tiles that do not fit, by layer, level and amount."""
    names = [layer.name for layer in chosen_layers(problem.specification, design)]
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    return exceeded(cost, problem.budgets.items()) + capacity_violations(architecture, names, layers)


def layer_table(template: Template, names: list[str], design: Design, cost: Cost) -> list[list[str]]:
    """Per layer, the columns of LAYER_HEADINGS."""
    architecture = template.architecture(template.space.encode(template.space.restrict(design)), np.float32)
    bounds = bound_names(architecture)
    layers = cost.layers.cost
    binding = np.asarray(layers.bound)
    rows = []
    for i, name in enumerate(names):
        mapping = type(cost.layers.mapping)(*(np.asarray(x)[i] for x in vars(cost.layers.mapping).values()))
        rows.append(
            [
                name,
                f"{float(layers.cycles[i]):.0f}",
                bounds[int(binding[i])],
                f"{100 * float(layers.utilisation[i]):.1f}",
                f"{float(layers.energy_pj[i]) * 1e-6:.3f}",
                format_mapping(mapping, architecture),
            ]
        )
    return rows


def _standing_sentence(derived: Derived) -> str:
    place = derived.standing
    if place.rank is None or place.gap is None:
        sentence = "the accelerator does not meet all budgets with this network"
    else:
        sentence = (
            f"accelerator rank {place.rank} of the {place.feasible} that meet them with this network, "
            f"{100 * place.gap:.2f} % above the best in the geometric mean of cost over budget"
        )
    if derived.most_likely is None:
        return sentence
    return f"{sentence}; the most likely accelerator missed a budget and gave way to the most likely one that meets all"


def _optimality(problem: "Problem", derived: Derived) -> dict[str, Any]:
    place = derived.standing
    given_up = None
    if derived.most_likely is not None:
        design, other = derived.most_likely
        given_up = {"accelerator": problem.accelerator_space.restrict(design), "accelerator_gap": other.gap}
    return {
        "accelerator_rank": place.rank,
        "accelerator_gap": place.gap,
        "feasible_accelerators": place.feasible,
        "method": f"all {place.total} accelerators priced for the network found, {place.feasible} of them feasible; "
        "ranked by the geometric mean of cost over budget",
        "best_accelerator": place.best,
        "best_cost": place.best_costs,
        "most_likely_design_kept": derived.most_likely is None,
        "most_likely_accelerator": given_up,
        "standing": _standing_sentence(derived),
    }


@dataclasses.dataclass(frozen=True)
class TemplateTarget:
    """The accelerators of a template, as a `Target`."""

    template: Template

    @property
    def name(self) -> str:
        """Of the template."""
        return self.template.name

    @property
    def space(self) -> Space:
        """Its knobs."""
        return self.template.space

    @property
    def baseline(self) -> Design:
        """The published default."""
        return dict(self.template.baseline)

    def pricing(self, space: Space) -> TemplatePricing:
        """Prices of a search."""
        return TemplatePricing(self.template, space)

    @property
    def sharing_chunks(self) -> int:
        """None: slopes are those of the design as it stands."""
        return 0

    def require_reachable(self, problem: "Problem") -> None:
        """OutOfReachError unless a network and an accelerator are found that meet every budget, from the lightest one on."""
        budgets = problem.budgets
        if not budgets.items():
            return
        layers = problem.lightest_layers
        # Some accelerator out of a few mostly settles it, without pricing the whole space.
        space = problem.accelerator_space
        for row in np.random.default_rng(0).permutation(space.grid())[:_TRIED]:
            if self._worst_excess(problem, layers, space.design(row)) <= 0:
                return
        enumeration = enumerate_accelerators(self.template, layers, problem.accelerator_space)
        if enumeration.feasible(budgets).any():
            return
        if not enumeration.valid.any():
            raise OutOfReachError(
                "No accelerator of the space holds the tiles of the lightest network; lower --config.network.width."
            )
        if problem.network_space.free and self._reaches_another(problem, enumeration):
            return
        least = ", ".join(f"{name} {enumeration.costs[name][enumeration.valid].min():.4g}" for name, _ in budgets.items())
        asked = ", ".join(f"{name} {limit:.4g}" for name, limit in budgets.items())
        raise OutOfReachError(
            f"No design was found that meets the budgets ({asked}) together; the least that the lightest network reaches, "
            f"each on an accelerator of its own, is {least}: raise a budget, or lower --config.network.width."
        )

    def _worst_excess(self, problem: "Problem", layers: Sequence[Layer], accelerator: Design) -> float:
        """Logarithm of the largest cost over budget; infinite where tiles do not fit."""
        cost = discrete_cost(self.template, layers, accelerator)
        priced = {"latency_ms": cost.latency_s * 1e3, "energy_mj": cost.energy_j * 1e3, "area_mm2": cost.area_mm2}
        worst = max(math.log(priced[name] / limit) for name, limit in problem.budgets.items())
        return worst if cost.overflow_bytes <= 0 else math.inf

    def _reaches_another(self, problem: "Problem", enumeration: Enumeration) -> bool:
        """Whether a network is found that meets every budget on the accelerator with which the lightest one, for which all
        are priced, comes nearest."""
        over = np.max([np.log(enumeration.costs[name] / limit) for name, limit in problem.budgets.items()], axis=0)
        nearest = self.space.design(enumeration.indices[np.argmin(np.where(enumeration.valid, over, np.inf))])

        def excess(network: Design) -> float:
            return self._worst_excess(problem, chosen_layers(problem.specification, network), nearest)

        return descend_within(problem.network_space, problem.lightest_at(None), excess)[1] <= 0

    def best_accelerator(self, problem: "Problem", point: Mapping[str, jax.Array]) -> Design | None:
        """Of least cost over budget for the most likely network; None where none meets all budgets."""
        layers = chosen_layers(problem.specification, problem.strategy.space.decode(point))
        enumeration = enumerate_accelerators(self.template, layers, problem.accelerator_space)
        best = enumeration.best(problem.budgets)
        return None if best is None else self.space.design(enumeration.indices[best])

    def set_anew(self, problem: "Problem", point: Mapping[str, jax.Array]) -> BestAccelerator | None:
        """The best accelerator for the network of a point; None where none meets the limits."""
        return with_own_slopes(self.best_accelerator(problem, point))

    def platform(self, problem: "Problem") -> Design | None:
        """The best for the published network."""
        return self.best_accelerator(problem, problem.strategy.space.encode(problem.published))

    def judge(self, problem: "Problem", point: Mapping[str, jax.Array], folder: pathlib.Path) -> Verdict:
        """The most likely design; if it misses a budget, with the most likely accelerator that meets all."""
        derived = derive(problem, self.template, point, folder / "accelerators.npz")
        layers = chosen_layers(problem.specification, problem.published)
        baseline = cost_block(self.template, problem.published, discrete_cost(self.template, layers, problem.published))
        cost = cost_block(self.template, derived.design, derived.cost)
        names = [layer.name for layer in chosen_layers(problem.specification, derived.design)]
        marked: dict[str, Mapping[str, float]] = {"found": cost}
        if derived.standing.best_costs:
            marked["best for this network"] = derived.standing.best_costs
        if problem.accelerator_space.free:
            marked["published network on baseline"] = baseline
        draw = functools.partial(plot_accelerators, derived.enumeration, marked, dict(problem.budgets.items()))
        return Verdict(
            design=derived.design,
            cost=cost,
            baseline=baseline,
            published_best=None,
            violations=violations(problem, self.template, derived.design, cost, derived.cost.layers.cost),
            optimality=_optimality(problem, derived),
            layer_headings=LAYER_HEADINGS,
            layers=layer_table(self.template, names, derived.design, derived.cost),
            pictures=[Picture("Every accelerator for the network found", "accelerators.png", draw)],
        )
