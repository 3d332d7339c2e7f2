"""Run cards of the benchmark of search strategies, as data."""

import dataclasses

from dna_jax.benchmarks import SAMPLES, StrategySettings
from dna_jax.benchmarks.macro_edge import WANTED_ACCURACY
from dna_jax.checks import require_at_least


@dataclasses.dataclass(frozen=True)
class SearchBenchmarkConfig:
    """How strategies are compared.

    Attributes:
      seeds: runs of each strategy at each budget, from `first_seed` on.
      first_seed: of the first run.
      samples: designs that a search tries; fast_slow tries four times as many and trains fewer, nsga2 whole generations.
      brute_force: networks priced on every accelerator by another path to confirm the optima: 66 are 1 % of all, 0 for none.
      side_by_side: seeds of the default strategy whose time in one program is measured, 0 for none.
      settings: of the strategies.
    """

    seeds: int = 20
    first_seed: int = 1000
    samples: int = SAMPLES
    brute_force: int = 66
    side_by_side: int = 100
    settings: StrategySettings = StrategySettings()

    def __post_init__(self) -> None:
        require_at_least(self, seeds=1, first_seed=0, samples=1, brute_force=0, side_by_side=0)
        if 0 < self.brute_force < len(WANTED_ACCURACY):
            raise ValueError(
                f"brute_force={self.brute_force} leaves out some of the {len(WANTED_ACCURACY)} optima; give at least as "
                "many, or 0."
            )
