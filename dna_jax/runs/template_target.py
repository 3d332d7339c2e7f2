"""Runs on the accelerators of a template: every one of them priced for the network found."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
from dna_jax.runs.template_design import derive, log_excess, nearest_accelerator, optimality
from dna_jax.search import (
    BestAccelerator,
    Enumeration,
    descend_within,
    discrete_cost,
    enumerate_accelerators,
)
from dna_jax.spaces import Design, Space
from dna_jax.workload import Layer

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem

_TRIED = 64
"""Accelerators tried one by one before all of them are priced."""

LAYER_HEADINGS = ("layer", "cycles", "bound", "utilisation (%)", "energy (uJ)", "mapping")


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
        """The largest of what `log_excess` has: 0 or less where tiles fit and all budgets are met."""
        return max(log_excess(problem, self.template, layers, accelerator).values())

    def _reaches_another(self, problem: "Problem", enumeration: Enumeration) -> bool:
        """Whether a network is found that meets every budget on the accelerator with which the lightest one, for which all
        are priced, comes nearest."""
        nearest = nearest_accelerator(self.template, enumeration, problem.budgets)
        if nearest is None:
            return False

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
        """The most likely design, changed where it misses a budget: see `derive`."""
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
            optimality=optimality(problem, derived),
            layer_headings=LAYER_HEADINGS,
            layers=layer_table(self.template, names, derived.design, derived.cost),
            pictures=[Picture("Every accelerator for the network found", "accelerators.png", draw)],
        )
