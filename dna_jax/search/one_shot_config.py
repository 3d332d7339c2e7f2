"""How a one-shot search proceeds, as data."""

import dataclasses
import math

from dna_jax.checks import require_at_least


@dataclasses.dataclass(frozen=True)
class OneShotConfig:
    """One-shot search by REINFORCE on shared weights, after TuNAS (Bender et al., CVPR 2020) and NAHAS (Zhou et al., 2021).

    Steps and warm-up are those of `SearchConfig`: of TuNAS a quarter of all steps. What the papers leave open is that of the
    release of TuNAS (`tunas/mobile_architecture_search.py`), with three differences. In the warm-up weights learn under
    designs drawn uniformly, where the release enables all options at once and ever fewer of them. Weights and policy learn
    under designs of their own, where the release takes one design for both halves of a step. And a policy step has several
    designs, where the release has one on each core and averages over cores.

    Attributes:
      beta: of the absolute reward, by which a latency off its budget, or another cost above its own, is punished: at -0.1 a
        cost of twice the budget weighs as ten points of accuracy (the release's default).
      samples: designs of a policy step, each of which is measured on a batch of its own; in place of the release's single
        one, on a batch four times as large.
      learning_rate: of Adam on the policy, at the first policy step (the release: 0.0003 for every 256 of 4,096 images).
      growth: by how much it has grown, exponentially, at the last step (the release: 10).
      baseline_decay: of the moving average of rewards that rewards are compared with (TuNAS: 0.95).
    """

    beta: float = -0.1
    samples: int = 4
    learning_rate: float = 0.0048
    growth: float = 10.0
    baseline_decay: float = 0.95

    def __post_init__(self) -> None:
        if not -math.inf < self.beta <= 0:
            raise ValueError(f"beta must be negative or 0, for it punishes, and is {self.beta}.")
        require_at_least(self, samples=1)
        for name in ("learning_rate", "growth"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, not {getattr(self, name)}.")
        if not 0 <= self.baseline_decay < 1:
            raise ValueError(f"baseline_decay {self.baseline_decay} must lie in [0, 1).")
