"""Choosing settings on the benchmark: as many tries for each strategy, all judged alike.

The first try has the settings that a strategy had before: of papers those of their papers, of searches by gradients those
that were chosen by hand on this table, with seeds 0 to 19. The others are drawn at random from values around these. The best
of a strategy that asks for accuracies is the one that needs the fewest until it is within 0.10 points of the optimum in the
median, and stays there, at the budget that takes it longest. The best of one that knows every accuracy is the one that ends
nearest: of least median regret at its worst budget, then of least mean regret at its worst; so is the best of one of which
no try is within 0.10 points at every budget. What is not named here is not chosen: evolution, PPO and REINFORCE under their
own names have the settings of their papers, and variants of a differentiable search those of it.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dna_jax.benchmarks.figures import spent_until_near
from dna_jax.benchmarks.judge import judge
from dna_jax.benchmarks.macro_edge import Benchmark
from dna_jax.benchmarks.settings import StrategySettings, adam
from dna_jax.benchmarks.strategies import comparable
from dna_jax.search.strategies import DifferentiableConfig, EvolutionConfig, PpoConfig, ReinforceConfig, SurrogateConfig

Change = Mapping[str, Any]
"""Values by the path of a setting: "evolution_tuned.population"."""

_OBJECTIVE = {
    "objective.multiplier_rate": (0.00125, 0.0025, 0.005, 0.01, 0.02),
    "objective.pressure": (3e-4, 1e-3, 3e-3, 1e-2),
}
_RATES = {
    "network.learning_rate": (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4),
    "accelerator.learning_rate": (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4),
}
_BASELINE = (0.8, 0.9, 0.95, 0.99)

VALUES: dict[str, dict[str, Sequence[Any]]] = {
    "evolution_tuned": {"population": (20, 50, 100, 200), "sample": (5, 10, 25, 50), "batch": (5, 10)},
    "reinforce_tuned": {
        "learning_rate": (0.0024, 0.0048, 0.0096, 0.0192, 0.0384),
        "growth": (1.0, 3.0, 10.0),
        "batch": (1, 4, 10),
        "baseline_decay": _BASELINE,
        "entropy_weight": (0.0, 1e-3, 1e-2),
    },
    "ppo_tuned": {
        "learning_rate": (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3),
        "batch": (5, 10, 20),
        "epochs": (2, 4, 8),
        "clip_ratio": (0.1, 0.2, 0.3),
        "baseline_decay": _BASELINE,
        "entropy_weight": (0.0, 1e-4, 1e-3, 1e-2),
    },
    "differentiable": {
        **_RATES,
        **_OBJECTIVE,
        # Slower ones do as well here, and leave searches of a smaller table beyond their budgets
        # (tests/benchmarks/test_strategies.py), for logits settle before multipliers rise.
        "objective.multiplier_rate": (0.005, 0.01, 0.02),
        "samples": (1, 2, 4, 8, 16),
        "temperature.start": (0.5, 1.0, 2.0),
    },
    "differentiable_likeliest": {
        **_RATES,
        **_OBJECTIVE,
        "objective.damping": (0.0, 0.1, 0.3, 1.0),
        "network.schedule": ("constant", "cosine"),
        "accelerator.schedule": ("constant", "cosine"),
        "samples": (1, 2, 4, 8, 16),
        "temperature.start": (0.5, 1.0, 2.0),
    },
    "differentiable_score": {
        **_RATES,
        **_OBJECTIVE,
        "samples": (5, 10, 20),
        "temperature.start": (0.5, 1.0, 2.0),
        "baseline_decay": _BASELINE,
    },
    "surrogate": {
        **_OBJECTIVE,
        "learning_rate": (0.0125, 0.025, 0.05, 0.1, 0.2),
        "queries": (2, 4, 8),
        "gradient_steps": (4, 8, 16),
        "optimism": (0.5, 1.0, 2.0),
    },
}
"""Settings that are chosen, by the field of `StrategySettings` and the path below it, with the values that are tried."""

BEFORE: dict[str, Any] = {
    "evolution_tuned": EvolutionConfig(),
    "reinforce_tuned": ReinforceConfig(batch=1),
    "ppo_tuned": PpoConfig(),
    "differentiable": DifferentiableConfig(),
    "differentiable_likeliest": DifferentiableConfig(),
    "differentiable_score": DifferentiableConfig(
        accuracy="sampled", samples=10, network=adam(0.03), accelerator=adam(0.03), baseline_decay=0.95
    ),
    "surrogate": SurrogateConfig(),
}
"""Settings of the first try, which the others change."""

STRATEGY = {name: name for name in VALUES} | {"surrogate": "differentiable_surrogate"}
"""The strategy that a field of `StrategySettings` is of."""


def changed(config: Any, path: str, value: Any) -> Any:
    """A configuration with another value at a path: "differentiable.network.learning_rate"."""
    first, _, rest = path.partition(".")
    return dataclasses.replace(config, **{first: changed(getattr(config, first), rest, value) if rest else value})


def draw(name: str, tries: int, seed: int) -> list[Change]:
    """What each try changes of `BEFORE`; nothing in the first.

    Args:
      name: field of the settings, one of VALUES.
      tries: at least 1; all combinations of values if they are fewer.
      seed: of the draw.
    """
    values = VALUES[name]
    all_of_them = list(itertools.product(*values.values()))
    order = np.random.default_rng([seed, *name.encode()]).permutation(len(all_of_them))
    picked = [all_of_them[number] for number in order[: tries - 1]]
    return [{}, *({f"{name}.{path}": value for path, value in zip(values, own, strict=True)} for own in picked)]


def settings_of(name: str, changes: Change) -> StrategySettings:
    """The settings of a try of a field."""
    settings = dataclasses.replace(StrategySettings(), **{name: BEFORE[name]})
    for path, value in changes.items():
        settings = changed(settings, path, value)
    return settings


@dataclasses.dataclass(frozen=True)
class Tried:
    """What came of a try at each budget.

    Attributes:
      medians, means: of the final regret over seeds, points of accuracy.
      queries, evaluations: accuracies asked and designs priced until the median regret stays within `figures.NEAR`, the mean
        over seeds; None where it does not.
    """

    medians: tuple[float, ...]
    means: tuple[float, ...]
    queries: tuple[float | None, ...]
    evaluations: tuple[float | None, ...]


def run_try(name: str, settings: StrategySettings, benchmark: Benchmark, seeds: Sequence[int], samples: int) -> Tried:
    """The strategy of a field of the settings, judged."""
    entry = comparable(settings)[STRATEGY[name]]
    trials = entry.run(benchmark.table, benchmark.tasks, seeds, samples)
    judged = judge(trials, benchmark.table, benchmark.tasks, benchmark.front)
    spent = [spent_until_near(judged, budget, seconds=0.0) for budget in range(len(benchmark.tasks))]
    return Tried(
        medians=tuple(np.median(judged.final_regret, axis=1).tolist()),
        means=tuple(judged.final_regret.mean(axis=1).tolist()),
        queries=tuple(None if own is None else own["accuracy_queries"] for own in spent),
        evaluations=tuple(None if own is None else own["cost_evaluations"] for own in spent),
    )


def best_of(tries: Sequence[Tried]) -> int:
    """The try that needs the fewest accuracies until it is near at its slowest budget, or ends nearest, as the module says;
    of equals the first."""

    def order(number: int) -> tuple[float, float, float, int]:
        own = tries[number]
        asked = [count for count in own.queries if count is not None]
        # Less than a thousandth of a point is no difference.
        needed = max(asked) if len(asked) == len(own.queries) else math.inf
        return needed, round(max(own.medians), 3), max(own.means), number

    return min(range(len(tries)), key=order)
