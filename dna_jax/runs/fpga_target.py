"""Runs on FPGA pipelines: the network found gets the pipeline of most images a second within the device, proven."""

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from dna_jax.errors import OutOfReachError
from dna_jax.hardware.fpga import (
    CLOCK_HZ,
    PipelinePricing,
    evaluate_pipeline,
    priced_chunks,
)
from dna_jax.networks import ListedNetwork, chosen_layers, expected_layers
from dna_jax.runs.directory import write_whole
from dna_jax.runs.fpga_tables import (
    COLUMNS,
    LAYER_HEADINGS,
    chunk_table,
    cost_block,
    is_optimal,
    layer_table,
    standing_sentence,
)
from dna_jax.runs.plots import plot_pipeline
from dna_jax.runs.target import Picture, Verdict, exceeded, gave_way, say_seeks_another, searched_along
from dna_jax.search import (
    BestAccelerator,
    Certificate,
    FamilyFronts,
    Limits,
    PipelineProblem,
    as_json,
    certified_optimum,
    chunk_shares,
    descend_within,
    initial_logits,
    likeliest_within,
    mean_point,
    optimum_for_expected,
    recheck,
)
from dna_jax.spaces import Design, Part, Space, as_released, baseline_pipeline, fpga_pipeline_space, hold_parts
from dna_jax.workload import Layer

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem

HELD_PARTS: dict[str, tuple[Part, ...]] = {
    "allocation": ("allocation",),
    "mapping": ("tiles", "modes"),
    "micro_architecture": ("unrolled",),
}
"""Parts of a pipeline, by `AcceleratorConfig.held`."""

CERTIFICATE = "certificate.json"
"""File in the folder of a run."""


def _require_proof(space: Space, layers: Sequence[Layer], optimum: Certificate) -> None:
    """AssertionError unless a certificate holds, also of that nothing fits: what a run reports of optima is proven."""
    wrong = recheck(optimum, layers, space)
    if wrong:
        raise AssertionError(" ".join(wrong))


@dataclasses.dataclass(frozen=True)
class FpgaTarget:
    """Pipelines of chunks on an FPGA, as a `Target`.

    Attributes:
      plan: a key of `spaces.PLANS`.
      widths: of operands that networks may have.
      family_fronts: fronts of chunks for all networks that a search may come to.
      kept: the pipeline of which a part is held; None where nothing is.
    """

    plan: str
    widths: tuple[int, ...]
    family_fronts: FamilyFronts
    kept: Design | None = None

    @property
    def name(self) -> str:
        """As configurations give it."""
        return "fpga"

    @property
    def space(self) -> Space:
        """Allocation, and knobs of every chunk."""
        return fpga_pipeline_space(self.plan, self.widths)

    @property
    def baseline(self) -> Design:
        """Large tiles, few of their channels at a time, on every chunk."""
        return baseline_pipeline(self.plan, self.widths)

    @property
    def _unused(self) -> Design:
        """The designs of chunks that no layer uses."""
        return self.baseline if self.kept is None else self.kept

    def pricing(self, space: Space) -> PipelinePricing:
        """Prices of a search."""
        return PipelinePricing(space)

    @property
    def sharing_chunks(self) -> int:
        """All: any may be what holds the best pipeline up."""
        return len(priced_chunks(self.space))

    def _limits(self, problem: "Problem") -> Limits:
        budgets = dict(problem.budgets.items())
        return Limits(budgets["dsp"], budgets["bram"])

    def _optimum(
        self, problem: "Problem", layers: Sequence[Layer], family_fronts: FamilyFronts | None = None
    ) -> Certificate:
        return certified_optimum(layers, problem.accelerator_space, self._limits(problem), family_fronts=family_fronts)

    def with_part_held(self, problem: "Problem") -> "Problem":
        """The problem with the part that `AcceleratorConfig.held` names held.

        Raises:
          OutOfReachError: if no pipeline that it could be held at fits the device.
        """
        platform = self.platform(problem)
        if platform is None:
            raise OutOfReachError(
                "No pipeline for the average network fits the device, of which a part could be held; set "
                "--config.accelerator.held=nothing, or lower --config.network.width."
            )
        space = hold_parts(problem.accelerator_space, platform, HELD_PARTS[problem.config.accelerator.held])
        return dataclasses.replace(problem, target=dataclasses.replace(self, kept=platform), accelerator_space=space)

    def _searchable(self, problem: "Problem") -> Space:
        """All pipelines of a run's allocation, whether or not they are searched."""
        return self.space.fix(as_released(self.plan)) if problem.config.accelerator.allocation == "released" else self.space

    def _fast(self, problem: "Problem") -> tuple[Sequence[Layer], Certificate]:
        """Layers of the first network found whose optimum is fast enough, or else of the fastest found, and that optimum.

        It begins at the lightest network, with operands of one width everywhere, whichever is best: chunks are for one each,
        so that the narrowest is not always the fastest. Nor is the lightest: chunks work side by side, and a network whose
        work is spread evenly over them may be faster.
        """
        fps, networks = problem.budgets.fps or 0.0, problem.network_space

        def optimum_for(network: Design, family_fronts: FamilyFronts | None = None) -> Certificate:
            return self._optimum(problem, chosen_layers(problem.specification, network), family_fronts)

        def excess(optimum: Certificate) -> float:
            if optimum.design is None:
                return math.inf
            return math.log(fps / optimum.fps) if fps else 0.0

        tried = []
        for bits in self.widths:
            network = problem.lightest_at(bits)
            tried.append((network, optimum_for(network)))
            if excess(tried[-1][1]) <= 0:
                break
        network, best = min(tried, key=lambda pair: excess(pair[1]))
        if excess(best) > 0 and networks.free:
            say_seeks_another()
            network, _ = descend_within(networks, network, lambda other: excess(optimum_for(other, self.family_fronts)))
            best = optimum_for(network)
        return chosen_layers(problem.specification, network), best

    def require_reachable(self, problem: "Problem") -> None:
        """OutOfReachError unless a network and a pipeline are found that meet every budget.

        Where the layers that all networks share cannot meet them by themselves, none is looked for.
        """
        fps, free = problem.budgets.fps or 0.0, bool(problem.accelerator_space.free)
        layers: Sequence[Layer] = problem.shared_layers
        best = self._optimum(problem, layers)
        if proven := best.design is None or best.fps < fps:
            whose = "the layers that all networks share"
        else:
            layers, best = self._fast(problem)
            whose = "the fastest network found"
            if best.design is not None and best.fps >= fps:
                return
        _require_proof(problem.accelerator_space, layers, best)
        held = "baseline pipeline" if problem.platform is None else "pipeline made before the network"
        mended = f", or search pipelines with {searched_along(problem)}" if not free else ""
        if self.kept is not None:
            mended = ", or search all of the pipeline with --config.accelerator.held=nothing"
        if best.design is None:
            raise OutOfReachError(
                f"{'No pipeline' if free else f'The {held}'} for {whose} {'fits' if free else 'exceeds'} "
                f"{best.limits.dsp:g} DSP slices and {best.limits.bram:g} block RAMs; raise --config.budgets.dsp or "
                f"--config.budgets.bram{mended}."
            )
        where = "within the device" if free else f"on the {held}"
        raise OutOfReachError(
            f"No design {'reaches' if proven else 'was found that reaches'} {fps:g} images a second {where}, {best.fps:.5g} "
            f"with {whose}: lower --config.budgets.fps or --config.network.width{mended}."
        )

    def _best(
        self, problem: "Problem", point: Mapping[str, jax.Array], family_fronts: FamilyFronts | None = None
    ) -> Certificate:
        """Of most images a second for the expected network, all of whose chunks are built."""
        layers, expected = expected_layers(problem.specification, point)
        return optimum_for_expected(layers, expected, problem.accelerator_space, self._limits(problem), family_fronts)

    def best_accelerator(self, problem: "Problem", point: Mapping[str, jax.Array]) -> Design | None:
        """Of most images a second for the expected network; None where its chunks do not fit."""
        best = self._best(problem, point).design
        # What no layer uses any more keeps some design.
        return None if best is None else self._unused | best

    def set_anew(self, problem: "Problem", point: Mapping[str, jax.Array]) -> BestAccelerator | None:
        """The same, with what a chunk's work adds to the cycles of the best pipeline; chunks without layers add nothing."""
        # Comes every few steps: what the designs of chunks cost is priced once.
        best = self._best(problem, point, self.family_fronts)
        if best.design is None:
            return None
        shares = chunk_shares(best)
        ordered = [shares.get(chunk, 0.0) for chunk in priced_chunks(self.space)]
        return BestAccelerator(self._unused | best.design, np.array(ordered))

    def platform(self, problem: "Problem") -> Design | None:
        """The best for the average network, every option equally likely: it has a chunk for every operand width.

        One made for the published network would leave the chunks of other widths to the baseline, and networks searched on
        it to the published width.
        """
        space = problem.strategy.space
        return self.best_accelerator(problem, mean_point(space, initial_logits(space)))

    def _settled(self, problem: "Problem", carried: Design, point: Mapping[str, jax.Array]) -> tuple[Design, Certificate]:
        """The most likely network that meets all budgets; the most likely of all where none is found.

        Each has its optimal pipeline, or the carried one where pipelines are not searched.
        """

        def costs_over(
            network: Design, family_fronts: FamilyFronts | None
        ) -> tuple[tuple[Design, Certificate], Design, dict[str, float]]:
            layers = chosen_layers(problem.specification, network)
            optimum = self._optimum(problem, layers, family_fronts)
            searched = (optimum.design or {}) if problem.accelerator_space.free else {}
            design = carried | network | searched
            found = cost_block(evaluate_pipeline(layers, design)[1])
            excess = {name: math.log(found[name] / limit) for name, limit in problem.budgets.items()}
            return (design, optimum), problem.accelerator_space.restrict(design), excess

        likeliest, _, excess = costs_over(problem.network_space.restrict(carried), None)
        # Most networks fit; only where many are to be tried does it pay to price the family.
        if max(excess.values()) <= 0:
            return likeliest
        settled = likeliest_within(problem.strategy, point, lambda network: costs_over(network, self.family_fronts))
        return likeliest if settled is None else settled

    def _judged_by(self, problem: "Problem", layers: Sequence[Layer], settled: Certificate) -> Certificate:
        """The certificate that a pipeline is judged by, rechecked: that of the search, or where the pipeline or a part of it
        is held, of all that could be in its place."""
        judged_among, optimum = problem.accelerator_space, settled
        if not judged_among.free or self.kept is not None:
            judged_among = self._searchable(problem)
            optimum = certified_optimum(layers, judged_among, self._limits(problem))
        _require_proof(judged_among, layers, optimum)
        return optimum

    def _keep(self, problem: "Problem", layers: Sequence[Layer], optimum: Certificate, folder: pathlib.Path) -> None:
        """Write a certificate with the problem that it settles."""
        name = "published" if problem.config.fix == "network" else "found"
        network = ListedNetwork(name, self.plan, tuple(layers))
        stated = PipelineProblem(network, allocation=problem.config.accelerator.allocation)
        write_whole(folder / CERTIFICATE, json.dumps(as_json(stated, optimum), indent=1) + "\n")

    def _optimality(
        self, problem: "Problem", carried: Design, design: Design, found: Mapping[str, float], optimum: Certificate
    ) -> dict[str, Any]:
        """That of a verdict on a design of some cost, beside the pair that the search had carried."""
        before = cost_block(evaluate_pipeline(chosen_layers(problem.specification, carried), carried)[1])
        changed, said = gave_way(problem.network_space, design, carried)
        gap = found["frame_ms"] * CLOCK_HZ / 1e3 / optimum.cycles - 1 if optimum.cycles else None
        held = problem.config.accelerator.allocation == "released"
        violated = exceeded(found, problem.budgets.items())
        return {
            "accelerator_rank": 1 if is_optimal(gap) and not violated else None,
            "accelerator_gap": gap,
            "method": f"certificate over {optimum.enumerated} designs of chunks: Pareto fronts and a knapsack, rechecked by "
            "another algorithm",
            "best_cost": {"fps": optimum.fps, "dsp": optimum.dsp, "bram": optimum.bram},
            "bound_fps": CLOCK_HZ / optimum.bound_cycles if optimum.bound_cycles else None,
            "carried": before,
            "most_likely_network_kept": not changed,
            "decisions_that_gave_way": changed,
            "standing": standing_sentence(gap, before, dict(problem.budgets.items()), held) + said,
        }

    def _published(self, problem: "Problem") -> tuple[dict[str, float], dict[str, float] | None]:
        """Cost of the published network on the baseline; and on the best pipeline for it, where pipelines are searched and
        one fits."""
        layers = chosen_layers(problem.specification, problem.published)
        baseline = cost_block(evaluate_pipeline(layers, problem.published)[1])
        best = None
        if problem.accelerator_space.free:
            space = problem.accelerator_space if self.kept is None else self._searchable(problem)
            best = certified_optimum(layers, space, self._limits(problem)).design
        return baseline, cost_block(evaluate_pipeline(layers, self._unused | best)[1]) if best else None

    def judge(self, problem: "Problem", point: Mapping[str, jax.Array], folder: pathlib.Path) -> Verdict:
        """The most likely network that meets the budgets, with its optimal pipeline where pipelines are searched.

        The folder gets the certificate of the optimum, which `experiments.optimum` follows.
        """
        carried = problem.strategy.space.decode(point)
        design, settled = self._settled(problem, carried, point)
        layers = chosen_layers(problem.specification, design)
        optimum = self._judged_by(problem, layers, settled)
        self._keep(problem, layers, optimum, folder)
        chunks, cost = evaluate_pipeline(layers, design)
        found = cost_block(cost)
        baseline, published_best = self._published(problem)
        return Verdict(
            design=design,
            cost=found,
            baseline=baseline,
            published_best=published_best,
            violations=exceeded(found, problem.budgets.items()),
            optimality=self._optimality(problem, carried, design, found, optimum),
            layer_headings=LAYER_HEADINGS,
            layers=layer_table(layers, design, chunks),
            pictures=[
                Picture(
                    "The chunks of the pipeline",
                    "pipeline.png",
                    functools.partial(plot_pipeline, chunk_table(chunks), COLUMNS, dict(problem.budgets.items())),
                )
            ],
        )
