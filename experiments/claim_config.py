"""Run cards of published claims, as data."""

import dataclasses

from ml_collections import config_dict

from dna_jax.benchmarks import COMPARABLE, FIGURES, SAMPLES, StrategySettings
from dna_jax.checks import require_at_least
from dna_jax.runs.config import is_smoke, to_config_dict


@dataclasses.dataclass(frozen=True)
class ClaimConfig:
    """Two or more ways to search, and what was published of them.

    Attributes:
      claim: in a sentence.
      published: the published figures with their convention, in a sentence or two.
      new: the strategy of which it is claimed, of `benchmarks.strategies.COMPARABLE`.
      old: those that it is compared with.
      figures: to compare, of `benchmarks.claim_figures.FIGURES`.
      seeds: runs of each, from `first_seed` on.
      first_seed: of the first run.
      samples: designs that a search tries.
      settings: of the strategies.
    """

    claim: str
    published: str
    new: str
    old: tuple[str, ...]
    figures: tuple[str, ...]
    seeds: int = 20
    first_seed: int = 2000
    samples: int = SAMPLES
    settings: StrategySettings = StrategySettings()

    def __post_init__(self) -> None:
        for name in (self.new, *self.old):
            if name not in COMPARABLE:
                raise ValueError(f"There is no strategy {name!r}; choose some of {', '.join(COMPARABLE)}.")
        for name in self.figures:
            if name not in FIGURES:
                raise ValueError(f"There is no figure {name!r}; choose some of {', '.join(FIGURES)}.")
        if not self.old or self.new in self.old or not self.figures:
            raise ValueError("A claim compares at least one figure of one strategy with those of others.")
        require_at_least(self, seeds=2, first_seed=0, samples=1)


def claim_card(config: ClaimConfig, variant: str) -> config_dict.ConfigDict:
    """The card, or its variant `smoke`: the same in seconds."""
    if is_smoke(variant):
        config = dataclasses.replace(config, seeds=2, samples=40)
    return to_config_dict(config)
