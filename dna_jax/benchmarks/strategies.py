"""The strategies that the benchmark compares, by name.

Those of papers have the settings of their papers. Names that end in `_tuned`, and `differentiable`,
`differentiable_likeliest`, `differentiable_score` and `differentiable_surrogate`, which no paper has on such a table, have
settings that were chosen on this very table, with as many tries each (`benchmarks.tuning`). `differentiable_library` has
those of a run (`SearchConfig`), whose rates of logits and multipliers were chosen with a look at this table, too; other
variants of `differentiable` have its settings but for what their names say. Exact accuracies are means of three trainings,
without the noise that others are told of: whoever reads the table asks for one of each network, `evolution_exact` and
`ppo_exact` for one of each design that they try.
"""

from dna_jax.benchmarks.claim_entries import claim_entries
from dna_jax.benchmarks.entry import Entry
from dna_jax.benchmarks.gradient_entries import gradient_entries
from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.benchmarks.trial_entries import trial_entries


def strategies(settings: StrategySettings) -> dict[str, Entry]:
    """The strategies by name; their sources say where default settings are from."""
    return trial_entries(settings) | gradient_entries(settings)


def comparable(settings: StrategySettings) -> dict[str, Entry]:
    """The strategies, and what only published comparisons need."""
    return strategies(settings) | claim_entries(settings)


STRATEGIES = tuple(strategies(StrategySettings()))
"""Names of strategies that the benchmark compares."""

COMPARABLE = tuple(comparable(StrategySettings()))
"""Names of those that claims may compare."""
