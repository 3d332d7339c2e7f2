"""The strategies that the benchmark compares.

Those of papers have the settings of their papers, but for REINFORCE, of which excess alone is punished, at a constant rate.
Those that follow gradients have settings that were chosen on this very table, with seeds 0 to 19; of PPO the learning rate
alone was, for `ppo_tuned`. Exact accuracies are means of three trainings, without the noise that others are told of, and
count as one query for each network.
"""

import dataclasses
from collections.abc import Callable

from dna_jax.benchmarks.entry import Entry
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.run import TrialSearch
from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.hardware import nahas_edge
from dna_jax.search import ObjectiveConfig
from dna_jax.search.strategies import (
    Absolute,
    DifferentiableConfig,
    DifferentiableSearch,
    EvolutionSearch,
    FastSlowSearch,
    PhaseSearch,
    PpoSearch,
    ReinforceSearch,
    Strategy,
    SurrogateSearch,
    UniformSearch,
)
from dna_jax.spaces import Space

INITIAL = (1, 0, 1, 0, 0, 1, 0, 0)
"""Options of the network for which phase search looks for an accelerator: the smaller block where a stage begins, identities
elsewhere. Some accelerator runs it within four of the five budgets, and nearly within the tightest."""


def _small(table: JointTable) -> tuple[int, ...]:
    return INITIAL[: len(table.network_space.decisions)]


def _largest(table: JointTable) -> tuple[int, ...]:
    return tuple(len(decision.options) - 1 for decision in table.network_space.decisions)


def _on_baseline(table: JointTable) -> Space:
    """Networks alone, on the baseline accelerator of NAHAS."""
    accelerators = table.accelerator_space
    return table.network_space | accelerators.fix(accelerators.restrict(nahas_edge().baseline))


def _trials(source: str, batch: int, strategy: Callable[[Space], Strategy], factor: int = 1, variant: bool = False) -> Entry:
    """Of a strategy that tries designs of the joint space."""
    return Entry(source, lambda table, _: TrialSearch(strategy(table.space)), batch, factor, variant=variant)


def _gradients(source: str, config: DifferentiableConfig, variant: bool = False) -> Entry:
    """Of differentiable search; one that knows every accuracy needs no more steps than its temperature has."""
    most = config.steps * config.samples if config.accuracy == "exact" else None
    return Entry(
        source, lambda table, _: DifferentiableSearch(table.space, config), config.samples, most=most, variant=variant
    )


def _phases(
    source: str, settings: StrategySettings, initial: Callable[[JointTable], tuple[int, ...]] = _small, factor: int = 1
) -> Entry:
    """Of phase search: half of the samples for the accelerator, half for the network."""
    batch = settings.ppo.batch

    def search(table: JointTable, samples: int) -> TrialSearch:
        return TrialSearch(
            PhaseSearch(
                table.network_space,
                table.accelerator_space,
                initial(table),
                first_steps=max(1, samples // (2 * batch)),
                first_reward=settings.soft,
                second_reward=settings.hard,
                config=settings.ppo,
            )
        )

    return Entry(source, search, batch, factor)


def strategies(settings: StrategySettings) -> dict[str, Entry]:
    """The strategies by name; their sources say where default settings are from."""
    hard, soft, ppo, reinforce = settings.hard, settings.soft, settings.ppo, settings.reinforce
    absolute = Absolute(settings.reinforce_beta, one_sided=True)
    exact, surrogate = settings.differentiable, settings.surrogate
    hinge = ObjectiveConfig(form="hinge", hinge_weight=settings.hinge_weight, pressure=exact.objective.exponent)
    # A hinge of no weight leaves log(accuracy) and multiples of the logarithms of cost over limit.
    weighted = ObjectiveConfig(form="hinge", hinge_weight=0.0, pressure=settings.weighted_pressure)
    return {
        "random": _trials("designs drawn uniformly", UniformSearch.batch, UniformSearch),
        "evolution": _trials(
            "regularised evolution, Real et al., AAAI 2019: population 100, sample 25, ten children at a time",
            settings.evolution.batch,
            lambda space: EvolutionSearch(space, settings.evolution),
        ),
        "nsga2": Entry("NSGA-II, Deb et al. 2002, by pymoo: population 100", None, batch=settings.nsga2_population),
        "reinforce": _trials(
            "one-shot REINFORCE, NAHAS after TuNAS (Bender et al., CVPR 2020): absolute reward above "
            "the limits alone, beta -0.1, baseline 0.95, Adam 0.0048",
            reinforce.batch,
            lambda space: ReinforceSearch(space, absolute, reinforce, "best"),
        ),
        "reinforce_likeliest": _trials(
            "the same, which returns the policy's likeliest design, as one-shot search does",
            reinforce.batch,
            lambda space: ReinforceSearch(space, absolute, reinforce, "likeliest"),
            variant=True,
        ),
        "ppo": _trials(
            "NAHAS multi-trial, hard reward: PPO, Adam 5e-4, clip 1.0, ten trials to an update",
            ppo.batch,
            lambda space: PpoSearch(space, hard, ppo),
        ),
        "ppo_tuned": _trials(
            "the same with twice the learning rate, the only setting of it that was chosen on this benchmark",
            settings.ppo_tuned.batch,
            lambda space: PpoSearch(space, hard, settings.ppo_tuned),
            variant=True,
        ),
        "ppo_soft": _trials("ppo with the soft reward", ppo.batch, lambda space: PpoSearch(space, soft, ppo), variant=True),
        "phases": _phases("NAHAS phase search: accelerator with the soft reward, then network with the hard one", settings),
        "fast_slow": _trials(
            "two-level co-exploration, Jiang et al., TCAD 2020: ten fast steps to a slow one, nothing over budget "
            "is trained; four times as many designs as the others",
            settings.fast_slow.ppo.batch,
            lambda space: FastSlowSearch(space, reward=hard, config=settings.fast_slow),
            # Ten in eleven are priced only.
            factor=4,
        ),
        "differentiable": _gradients("Gumbel-softmax, straight-through samples, Lagrangian; exact accuracy", exact),
        "differentiable_soft": _gradients(
            "the same with soft samples, which mix options",
            dataclasses.replace(exact, hard=False, samples=1),
            variant=True,
        ),
        "differentiable_hinge": _gradients(
            "the same as differentiable with a hinge on excess in place of multipliers",
            dataclasses.replace(exact, objective=hinge),
            variant=True,
        ),
        "differentiable_weighted": _gradients(
            "the same as differentiable with the logarithm of NAHAS's soft reward as objective, which trades",
            dataclasses.replace(exact, objective=weighted),
            variant=True,
        ),
        "differentiable_score": _gradients(
            "the same as differentiable with sampled accuracies: score function with a baseline",
            settings.differentiable_score,
        ),
        "differentiable_surrogate": Entry(
            "gradient of a surrogate fitted to the accuracies sampled",
            lambda table, _: SurrogateSearch(table.space, surrogate),
            batch=surrogate.queries,
            most=settings.surrogate_samples,
        ),
    }


def variants(settings: StrategySettings) -> dict[str, Entry]:
    """The strategies, and what only published comparisons need."""
    return strategies(settings) | {
        "ppo_on_baseline": Entry(
            "ppo over networks alone, on the baseline accelerator of NAHAS",
            lambda table, _: TrialSearch(PpoSearch(_on_baseline(table), settings.hard, settings.ppo)),
            batch=settings.ppo.batch,
        ),
        "phases_double": _phases("phase search with twice the samples", settings, factor=2),
        "phases_largest": _phases(
            "phase search whose initial network is the largest, over every budget", settings, _largest
        ),
    }


STRATEGIES = tuple(strategies(StrategySettings()))
"""Names of strategies that the benchmark compares."""

VARIANTS = tuple(variants(StrategySettings()))
"""Names of those that claims may compare."""
