"""Entries of strategies that follow gradients: exact accuracies, sampled ones, and a surrogate of them."""

import dataclasses
import math

from dna_jax.benchmarks.entry import CompiledEntry, Entry
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.search import ObjectiveConfig, TemperatureConfig
from dna_jax.search.strategies import DifferentiableConfig, DifferentiableSearch, SurrogateSearch


def _gradients(source: str, config: DifferentiableConfig, likeliest: bool = False, variant: bool = False) -> Entry:
    """Of differentiable search; one that knows every accuracy needs no more steps than its schedules have."""

    def search(table: JointTable, designs: int) -> DifferentiableSearch:
        own = config
        if config.accuracy == "exact":
            own = dataclasses.replace(config, steps=max(1, math.ceil(designs / config.samples)))
        return DifferentiableSearch(table.space, own, "likeliest" if likeliest else "best")

    return CompiledEntry(
        source=source,
        search=search,
        batch=config.samples,
        most=config.steps * config.samples if config.accuracy == "exact" else None,
        variant=variant,
    )


def gradient_entries(settings: StrategySettings) -> dict[str, Entry]:
    """By name; sources say where default settings are from."""
    exact = settings.differentiable

    def with_objective(source: str, objective: ObjectiveConfig) -> Entry:
        return _gradients(source, dataclasses.replace(exact, objective=objective), variant=True)

    traded = settings.traded_pressure
    mixing = TemperatureConfig(schedule="constant", start=settings.mixture_temperature)
    return {
        "differentiable": _gradients(
            "Gumbel-softmax, straight-through samples, Lagrangian; exact accuracy; returns the best of its samples", exact
        ),
        "differentiable_likeliest": _gradients(
            "the same, which returns the likeliest design, with the likeliest accelerator within the budgets if its own is "
            "not, and another network if none is; settings chosen for that",
            settings.differentiable_likeliest,
            likeliest=True,
            variant=True,
        ),
        "differentiable_library": _gradients(
            "the same as differentiable_likeliest with the settings by which supernets are searched (SearchConfig): a "
            "sample to a step, 800 steps",
            settings.differentiable_library,
            likeliest=True,
            variant=True,
        ),
        "differentiable_soft": _gradients(
            "the same as differentiable with soft samples, which mix options",
            dataclasses.replace(exact, hard=False, samples=1, temperature=mixing),
            variant=True,
        ),
        "differentiable_hinge": with_objective(
            "the same as differentiable with a hinge on excess in place of multipliers",
            ObjectiveConfig(form="hinge", hinge_weight=settings.hinge_weight, pressure=exact.objective.exponent),
        ),
        "differentiable_product": with_objective(
            "the same as differentiable with the objective of form soft, loss times powers of cost over limit, which trades",
            ObjectiveConfig(form="soft", pressure=traded),
        ),
        "differentiable_weighted": with_objective(
            "the same as differentiable with the logarithm of NAHAS's soft reward as objective, which trades",
            # A hinge of no weight leaves log(accuracy) and multiples of the logarithms of cost over limit.
            ObjectiveConfig(form="hinge", hinge_weight=0.0, pressure=traded),
        ),
        "differentiable_score": _gradients(
            "the same as differentiable with sampled accuracies: score function with a baseline",
            settings.differentiable_score,
        ),
        "differentiable_surrogate": CompiledEntry(
            source="gradient of a surrogate fitted to the accuracies sampled",
            search=lambda table, _: SurrogateSearch(table.space, settings.surrogate),
            batch=settings.surrogate.queries,
            most=settings.surrogate_samples,
        ),
        "surrogate_drawn": CompiledEntry(
            source="the same surrogate without gradients: the most promising of designs drawn uniformly",
            search=lambda table, _: SurrogateSearch(
                table.space,
                dataclasses.replace(settings.surrogate, gradient_steps=0, candidates=settings.drawn_candidates),
            ),
            batch=settings.surrogate.queries,
            most=settings.surrogate_samples,
            variant=True,
        ),
    }
