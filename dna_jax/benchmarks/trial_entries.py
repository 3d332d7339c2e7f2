"""Entries of strategies that try designs and are told of them: random search, evolution, reinforcement learning."""

import dataclasses
from collections.abc import Callable

from dna_jax.benchmarks.entry import CompiledEntry, Entry, HostEntry
from dna_jax.benchmarks.exact_search import run_exact
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.nsga2 import require_pymoo, run_nsga2
from dna_jax.benchmarks.run import TrialSearch
from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.benchmarks.table_problem import BUDGETED
from dna_jax.search.one_shot import AIMED_AT
from dna_jax.search.strategies import (
    Absolute,
    EvolutionSearch,
    FastSlowSearch,
    PhaseSearch,
    PpoConfig,
    PpoSearch,
    ReinforceConfig,
    ReinforceSearch,
    Returns,
    Strategy,
    UniformSearch,
    WeightedProduct,
)
from dna_jax.spaces import Space

INITIAL = (1, 0, 1, 0, 0, 1, 0, 0)
"""Options of the network for which phase search looks for an accelerator: the smaller block where a stage begins, identities
elsewhere. Some accelerator runs it within four of the five budgets, and nearly within the tightest."""

_ONE_SIDED = tuple(name != AIMED_AT for name in BUDGETED)
"""Of which budgets excess alone is punished, as in one-shot search of a supernet."""


def small_network(table: JointTable) -> tuple[int, ...]:
    """INITIAL, or as much of it as a network has decisions."""
    return INITIAL[: len(table.network_space.decisions)]


def trials(
    source: str,
    batch: int,
    strategy: Callable[[Space], Strategy],
    factor: float = 1,
    variant: bool = False,
    exact: bool = False,
) -> Entry:
    """Of a strategy that tries designs of the joint space."""
    return CompiledEntry(
        source=source,
        search=lambda table, _: TrialSearch(strategy(table.space), exact),
        batch=batch,
        factor=factor,
        variant=variant,
    )


def ppo(
    source: str,
    reward: WeightedProduct,
    config: PpoConfig,
    returns: Returns = "best",
    variant: bool = False,
    exact: bool = False,
) -> Entry:
    """Of PPO over the joint space."""
    return trials(
        source, config.batch, lambda space: PpoSearch(space, reward, config, returns), variant=variant, exact=exact
    )


def phases(
    source: str,
    settings: StrategySettings,
    initial: Callable[[JointTable], tuple[int, ...]] = small_network,
    factor: float = 1,
    returns: Returns = "best",
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
                returns=returns,
            )
        )

    return CompiledEntry(source=source, search=search, batch=batch, factor=factor)


def fast_slow(
    source: str,
    settings: StrategySettings,
    reward: WeightedProduct,
    returns: Returns = "best",
    variant: bool = False,
) -> Entry:
    """Of two-level co-exploration, which tries four times as many designs as the others: ten in eleven are priced only."""
    config = settings.fast_slow
    return trials(
        source,
        config.ppo.batch,
        lambda space: FastSlowSearch(space, reward, config=config, returns=returns),
        factor=4,
        variant=variant,
    )


def saving(settings: StrategySettings) -> WeightedProduct:
    """Accuracy under the hard constraint, and what is saved of latency below its budget."""
    exponents = tuple(settings.fast_slow_exponent * (name == "latency_ms") for name in BUDGETED)
    return WeightedProduct(within=exponents, beyond=settings.hard.beyond)


def _reinforce(
    source: str, reward: Absolute, config: ReinforceConfig, likeliest: bool = False, variant: bool = False
) -> Entry:
    """Of REINFORCE, whose rate grows until its last update."""

    def search(table: JointTable, samples: int) -> TrialSearch:
        own = dataclasses.replace(config, updates=max(1, samples // config.batch))
        return TrialSearch(ReinforceSearch(table.space, reward, own, "likeliest" if likeliest else "best"))

    return CompiledEntry(source=source, search=search, batch=config.batch, variant=variant)


def trial_entries(settings: StrategySettings) -> dict[str, Entry]:
    """By name; sources say where default settings are from."""
    hard, soft, one_shot = settings.hard, settings.soft, settings.reinforce
    published = Absolute(settings.reinforce_beta, _ONE_SIDED)
    return {
        "exact": HostEntry(source="enumeration of all designs: the optimum and the front", search=run_exact),
        "random": trials("designs drawn uniformly", UniformSearch.batch, UniformSearch),
        "evolution": trials(
            "regularised evolution, Real et al., AAAI 2019: population 100, sample 25, ten children at a time",
            settings.evolution.batch,
            lambda space: EvolutionSearch(space, settings.evolution),
        ),
        "evolution_tuned": trials(
            "the same, population and sample chosen on this benchmark",
            settings.evolution_tuned.batch,
            lambda space: EvolutionSearch(space, settings.evolution_tuned),
            variant=True,
        ),
        "evolution_exact": trials(
            "evolution_tuned, told exact accuracies of what it asks for",
            settings.evolution_tuned.batch,
            lambda space: EvolutionSearch(space, settings.evolution_tuned),
            variant=True,
            exact=True,
        ),
        "nsga2": HostEntry(
            source="NSGA-II, Deb et al. 2002, by pymoo: population 100",
            search=run_nsga2,
            batch=settings.nsga2_population,
            require=require_pymoo,
        ),
        "reinforce": _reinforce(
            "one-shot REINFORCE, NAHAS after TuNAS (Bender et al., CVPR 2020): absolute reward, of latency from both sides, "
            "beta -0.1, baseline 0.95, Adam 0.0048 that grows tenfold; returns the policy's likeliest design",
            published,
            one_shot,
            likeliest=True,
        ),
        "reinforce_best": _reinforce(
            "the same, which returns the best design drawn within the budgets", published, one_shot, variant=True
        ),
        "reinforce_one_sided": _reinforce(
            "as reinforce_best, of latency excess alone punished, at a constant rate",
            Absolute(settings.reinforce_beta, one_sided=True),
            dataclasses.replace(one_shot, growth=1.0),
            variant=True,
        ),
        "reinforce_tuned": _reinforce(
            "as reinforce_best, settings chosen on this benchmark",
            Absolute(settings.reinforce_tuned_beta, _ONE_SIDED),
            settings.reinforce_tuned,
            variant=True,
        ),
        "ppo": ppo("NAHAS multi-trial, hard reward: PPO, Adam 5e-4, clip 1.0, ten trials to an update", hard, settings.ppo),
        "ppo_exact": ppo(
            "the same, told exact accuracies of what it asks for", hard, settings.ppo, variant=True, exact=True
        ),
        "ppo_soft": ppo("ppo with the soft reward", soft, settings.ppo, variant=True),
        "phases": phases("NAHAS phase search: accelerator with the soft reward, then network with the hard one", settings),
        "fast_slow": fast_slow(
            "two-level co-exploration, Jiang et al., TCAD 2020: ten fast steps to a slow one, rewarded by accuracy and by "
            "less latency; nothing beyond a budget is trained; four times as many designs as the others",
            settings,
            saving(settings),
        ),
        "fast_slow_hard": fast_slow("the same with the hard reward in slow steps", settings, hard, variant=True),
    }
