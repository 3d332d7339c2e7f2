"""Runs on ASIC pipelines: the network found gets the pipeline that a search of its own ends with, beside a proven bound."""

import dataclasses
import functools
import itertools
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from dna_jax.errors import OutOfReachError
from dna_jax.hardware.asic import AsicPricing, PipelineCost, PlacedLayer, evaluate_pipeline, lower_bound, price_designs
from dna_jax.networks import chosen_layers
from dna_jax.runs.asic_tables import (
    COLUMNS,
    LAYER_HEADINGS,
    chunk_table,
    cost_block,
    layer_table,
    method_sentence,
    overflows,
    standing_sentence,
)
from dna_jax.runs.plots import plot_pipeline
from dna_jax.runs.target import Picture, Verdict, exceeded, gave_way, say_seeks_another, searched_along, with_own_slopes
from dna_jax.search import BestAccelerator, descend_within, likeliest_within
from dna_jax.search.asic_search import AsicSearchResult, search_asic_pipeline
from dna_jax.search.asic_steps import GOALS, AsicSearchConfig, Goal
from dna_jax.spaces import Design, Space, asic_pipeline_space
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    STYLES,
    automatic_schedules,
    baseline_asic_pipeline,
)
from dna_jax.workload import Layer

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem

_FIELDS = {"frame_ms": "interval_ms"}
"""Names of costs in runs that `PipelineCost` has under another."""

_SEARCHED: dict[str, Goal] = {
    "edp": "edp",
    "latency_ms": "latency_ms",
    "frame_ms": "interval_ms",
    "energy_mj": "energy_mj",
}
"""Goals of runs -> those of searches."""


@dataclasses.dataclass(frozen=True)
class AsicTarget:
    """Pipelines of chunks on an ASIC, as a `Target`.

    Attributes:
      groups: of layers that stay together on a chunk, of all networks of the family.
      chunks: how many a pipeline has at most.
      goal: as in `ObjectiveConfig`.
      schedules: as in `AcceleratorConfig`.
      search: how a pipeline is searched for a settled network; its goal is not read.
    """

    groups: tuple[str, ...]
    chunks: int
    goal: str
    schedules: Literal["mapper", "searched"] = "mapper"
    search: AsicSearchConfig = AsicSearchConfig(starts=2, steps=30, descent_steps=40)

    @property
    def name(self) -> str:
        """As configurations give it."""
        return "asic"

    @property
    def space(self) -> Space:
        """Allocation, link, and sizes and styles of every chunk; and schedules unless they are left to the mapper."""
        space = asic_pipeline_space(self.groups, self.chunks)
        return space if self.schedules == "searched" else space.fix(automatic_schedules(self.chunks))

    @property
    def baseline(self) -> Design:
        """Chunks of middle sizes with equal shares of the groups."""
        return baseline_asic_pipeline(self.groups, self.chunks)

    @property
    def _ranked_by(self) -> str:
        return "edp" if self.goal == "budgets" else self.goal

    @property
    def _search(self) -> AsicSearchConfig:
        return dataclasses.replace(self.search, goal=_SEARCHED[self._ranked_by])

    def pricing(self, space: Space) -> AsicPricing:
        """Prices of a search."""
        return AsicPricing(space, GOALS[self._search.goal])

    def _evaluate(self, layers: Sequence[Layer], design: Design) -> tuple[PipelineCost, list[PlacedLayer]]:
        return evaluate_pipeline(layers, design, objective=GOALS[self._search.goal])

    def _refine(
        self, problem: "Problem", layers: Sequence[Layer], start: Design, budgets: Mapping[str, float]
    ) -> AsicSearchResult:
        """The pipeline of a search within budgets from a design on, which is not worse than that."""
        limits = {_FIELDS.get(name, name): limit for name, limit in budgets.items()}
        space = problem.accelerator_space
        area = limits.pop("area_mm2", np.inf)
        return search_asic_pipeline(
            space, layers, area, self._search, problem.config.seed, limits=limits, start=space.restrict(start)
        )

    def _within_area(self, problem: "Problem", layers: Sequence[Layer], start: Design) -> AsicSearchResult:
        """The same within the area alone."""
        return self._refine(problem, layers, start, {n: v for n, v in problem.budgets.items() if n == "area_mm2"})

    def _regular(self, space: Space) -> np.ndarray:
        """Designs of which some mostly meets budgets that can be met: the baseline, and those with all sizes small, or all
        large, and equal chunks of any style; but for what is fixed. int[D, decisions]."""
        baseline = [decision.index(self.baseline[decision.name]) for decision in space.decisions]
        rows = [baseline]
        for size, style, link in itertools.product(np.linspace(0, 1, 6), range(len(STYLES)), BANDWIDTH_GBPS.options):
            of_knob = {knob.name: round(size * (len(knob.options) - 1)) for knob in ARCHITECTURE_KNOBS} | {"style": style}
            of_knob["bandwidth_gbps"] = BANDWIDTH_GBPS.index(link)
            rows.append([of_knob.get(d.name.rsplit(".")[-1], i) for d, i in zip(space.decisions, baseline, strict=True)])
        return np.unique(np.argmax(space.pin(space.one_hot(np.array(rows)).rows).rows, axis=-1), axis=0)

    @property
    def sharing_chunks(self) -> int:
        """None: slopes are those of the design as it stands."""
        return 0

    def require_reachable(self, problem: "Problem") -> None:
        """OutOfReachError unless a network and a pipeline are found that meet every budget, from the lightest network on."""
        budgets = problem.budgets.items()
        if not budgets:
            return
        layers, space = problem.lightest_layers, problem.accelerator_space
        costs = price_designs(space, layers, self._regular(space), objective=GOALS[self._search.goal])
        met = [costs.metrics[name] <= limit for name, limit in budgets]
        if np.all([*met, costs.overflow_kib <= 0], axis=0).any():
            return
        area = dict(budgets).get("area_mm2", np.inf)
        bound = lower_bound(problem.shared_layers, self.chunks, area)
        least = {name: getattr(bound, _FIELDS.get(name, name)) for name, _ in budgets if name != "area_mm2"}
        beyond = [f"{name} {value:.4g}" for name, value in least.items() if value > dict(budgets)[name]]
        if np.isinf(bound.latency_ms):
            reason = f"not even the smallest array fits {area:g} mm²"
        elif beyond:
            reason = f"with the layers that all networks share, no pipeline undercuts {', '.join(beyond)}"
        elif self._reaches(problem):
            return
        elif space.free:
            reason = "a search from the lightest network on found none that does"
        else:
            held = "baseline pipeline" if problem.platform is None else "pipeline made before the network"
            reason = f"the {held} exceeds one with every network tried, from the lightest on"
        asked = ", ".join(f"{name} {limit:.4g}" for name, limit in budgets)
        mended = "" if space.free else f", or search pipelines with {searched_along(problem)}"
        raise OutOfReachError(
            f"No design meets the budgets ({asked}) together: {reason}; raise a budget, or lower --config.network.width"
            f"{mended}."
        )

    def _reaches(self, problem: "Problem") -> bool:
        """Whether a pipeline for the lightest network is found that meets every budget, or another network on the best one
        within the area."""
        budgets, free = dict(problem.budgets.items()), bool(problem.accelerator_space.free)
        lightest, layers = problem.lightest_at(None), problem.lightest_layers
        pipeline = problem.accelerator_space.restrict(self.baseline | dict(problem.accelerator_space.fixed))
        if free:
            if self._refine(problem, layers, self.baseline, budgets).design is not None:
                return True
            pipeline = self._within_area(problem, layers, self.baseline).design
        if pipeline is None or not problem.network_space.free:
            return False
        say_seeks_another()

        def excess(network: Design) -> float:
            cost, placed = self._evaluate(chosen_layers(problem.specification, network), network | pipeline)
            found = cost_block(cost)
            return math.inf if overflows(placed) else max(math.log(found[name] / limit) for name, limit in budgets.items())

        return descend_within(problem.network_space, lightest, excess)[1] <= 0

    def best_accelerator(self, problem: "Problem", point: Mapping[str, jax.Array]) -> Design | None:
        """The pipeline that a search ends with for the most likely network; None where none meets the budgets."""
        carried = problem.strategy.space.decode(point)
        layers = chosen_layers(problem.specification, carried)
        return self._refine(problem, layers, carried, dict(problem.budgets.items())).design

    def set_anew(self, problem: "Problem", point: Mapping[str, jax.Array]) -> BestAccelerator | None:
        """The best accelerator for the network of a point; within the area alone where none meets the other budgets with it,
        which is then up to the network; None where none fits the area."""
        best = self.best_accelerator(problem, point)
        if best is None:
            carried = problem.strategy.space.decode(point)
            best = self._within_area(problem, chosen_layers(problem.specification, carried), carried).design
        return with_own_slopes(best)

    def platform(self, problem: "Problem") -> Design | None:
        """The best for the published network within the area: to meet the other budgets is up to the networks."""
        layers = chosen_layers(problem.specification, problem.published)
        return self._within_area(problem, layers, problem.published).design

    def _excess(self, problem: "Problem", design: Design) -> dict[str, float]:
        """Logarithm of every cost that has a budget over that."""
        found = cost_block(self._evaluate(chosen_layers(problem.specification, design), design)[0])
        return {name: math.log(found[name] / limit) for name, limit in problem.budgets.items()}

    def _settled(
        self, problem: "Problem", carried: Design, point: Mapping[str, jax.Array]
    ) -> tuple[Design, AsicSearchResult | None]:
        """The most likely network that meets all budgets, the most likely of all where none is found; and the search of its
        pipeline, where pipelines are searched.

        Where the pipeline of the most likely network misses a budget, decisions give way on the best pipeline within the
        area; what is left gets a pipeline of its own.
        """
        budgets, free = dict(problem.budgets.items()), bool(problem.accelerator_space.free)
        layers = chosen_layers(problem.specification, carried)
        searched = self._refine(problem, layers, carried, budgets) if free else None
        design = carried if searched is None or searched.design is None else carried | searched.design
        if max(self._excess(problem, design).values(), default=0.0) <= 0:
            return design, searched
        smaller = self._within_area(problem, layers, design).design if free else None
        pipeline = problem.accelerator_space.restrict(design | (smaller or {}))

        def judged(network: Design) -> tuple[Design, Design, dict[str, float]]:
            whole = carried | network | pipeline
            return whole, pipeline, self._excess(problem, whole)

        settled = likeliest_within(problem.strategy, point, judged)
        if settled is None:
            return design, searched
        if not free:
            return settled, None
        searched = self._refine(problem, chosen_layers(problem.specification, settled), settled, budgets)
        return settled | (searched.design or {}), searched

    def _bounds(self, problem: "Problem", design: Design, names: Iterable[str]) -> dict[str, float]:
        """What no pipeline within the area undercuts with the network of a design, of these costs but for those without a
        bound; infinite where none fits."""
        area = dict(problem.budgets.items()).get("area_mm2", np.inf)
        bound = lower_bound(chosen_layers(problem.specification, design), self.chunks, area)
        return {name: float(getattr(bound, _FIELDS.get(name, name))) for name in names if name not in ("fps", "area_mm2")}

    def _optimality(
        self, problem: "Problem", carried: Design, design: Design, found: Mapping[str, float], evaluations: int | None
    ) -> dict[str, Any]:
        """That of a verdict on a design of some cost, found in so many evaluations of pipelines (None where they are held),
        beside the pair that the joint search had carried."""
        before = cost_block(self._evaluate(chosen_layers(problem.specification, carried), carried)[0])
        changed, said = gave_way(problem.network_space, design, carried)
        bounds, goal = self._bounds(problem, design, found), self._ranked_by
        gap = found[goal] / bounds[goal] - 1 if np.isfinite(bounds[goal]) else None
        return {
            "accelerator_rank": None,
            "accelerator_gap": gap,
            "method": method_sentence(goal, evaluations),
            "bound": bounds,
            "carried": before,
            "most_likely_network_kept": not changed,
            "decisions_that_gave_way": changed,
            "standing": standing_sentence(goal, gap, before, dict(problem.budgets.items())) + said,
        }

    def _published(self, problem: "Problem") -> tuple[dict[str, float], dict[str, float] | None]:
        """Cost of the published network on the baseline; and on the best pipeline found for it within the area, where
        pipelines are searched and one fits."""
        layers = chosen_layers(problem.specification, problem.published)
        baseline, _ = self._evaluate(layers, problem.published)
        free = bool(problem.accelerator_space.free)
        best = self._within_area(problem, layers, problem.published).cost if free else None
        return cost_block(baseline), None if best is None else cost_block(best)

    def judge(self, problem: "Problem", point: Mapping[str, jax.Array], folder: pathlib.Path) -> Verdict:
        """The most likely network that meets the budgets, with the pipeline that a search from there ends with."""
        carried = problem.strategy.space.decode(point)
        design, searched = self._settled(problem, carried, point)
        cost, placed = self._evaluate(chosen_layers(problem.specification, design), design)
        found, budgets = cost_block(cost), problem.budgets.items()
        evaluations = None if searched is None else searched.evaluations
        baseline, published_best = self._published(problem)
        draw = functools.partial(plot_pipeline, chunk_table(cost), COLUMNS, dict(budgets))
        return Verdict(
            design=design,
            cost=found,
            baseline=baseline,
            published_best=published_best,
            violations=exceeded(found, budgets) + overflows(placed),
            optimality=self._optimality(problem, carried, design, found, evaluations),
            layer_headings=LAYER_HEADINGS,
            layers=layer_table(placed),
            pictures=[Picture("The chunks of the pipeline", "pipeline.png", draw)],
        )
