"""Entries that only published comparisons and the choice of settings need: other answers, other numbers of samples, fixed
hardware, and PPO with settings to be tried."""

from dna_jax.benchmarks.entry import CompiledEntry, Entry
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.run import TrialSearch
from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.benchmarks.trial_entries import fast_slow, phases, ppo, saving
from dna_jax.hardware import nahas_edge
from dna_jax.search.strategies import FastSlowSearch, PpoSearch
from dna_jax.spaces import Space


def largest_network(table: JointTable) -> tuple[int, ...]:
    """The last option of every decision."""
    return tuple(len(decision.options) - 1 for decision in table.network_space.decisions)


def on_baseline(table: JointTable) -> Space:
    """Networks alone, on the baseline accelerator of NAHAS."""
    accelerators = table.accelerator_space
    return table.network_space | accelerators.fix(accelerators.restrict(nahas_edge().baseline))


def claim_entries(settings: StrategySettings) -> dict[str, Entry]:
    """What only published comparisons need."""
    hard, factors = settings.hard, {"quarter": 0.25, "half": 0.5, "double": 2.0, "quadruple": 4.0}
    return {
        "ppo_on_baseline": CompiledEntry(
            source="ppo over networks alone, on the baseline accelerator of NAHAS",
            search=lambda table, _: TrialSearch(PpoSearch(on_baseline(table), hard, settings.ppo)),
            batch=settings.ppo.batch,
        ),
        "fast_slow_on_baseline": CompiledEntry(
            source="fast_slow_rewarded over networks alone, on the baseline accelerator of NAHAS",
            search=lambda table, _: TrialSearch(
                FastSlowSearch(on_baseline(table), saving(settings), config=settings.fast_slow, returns="rewarded")
            ),
            batch=settings.fast_slow.ppo.batch,
            factor=4,
        ),
        "ppo_tuned": ppo("ppo, settings chosen on the benchmark: those of the paper", hard, settings.ppo_tuned),
        "ppo_rewarded": ppo("ppo, which returns its design of highest reward", hard, settings.ppo, "rewarded"),
        "phases_rewarded": phases("phase search, which returns its design of highest reward", settings, returns="rewarded"),
        "phases_largest": phases(
            "phase search whose initial network is the largest, over every budget", settings, largest_network
        ),
        "phases_largest_rewarded": phases(
            "the same, which returns its design of highest reward", settings, largest_network, returns="rewarded"
        ),
        "fast_slow_rewarded": fast_slow(
            "fast_slow, which returns its design of highest reward", settings, saving(settings), "rewarded"
        ),
        **{
            f"phases_{name}": phases(f"phase search with {factor:g} times the samples", settings, factor=factor)
            for name, factor in factors.items()
        },
    }
