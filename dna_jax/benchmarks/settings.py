"""Settings of the strategies that the benchmark compares, as data: of papers those of their papers."""

import dataclasses

from dna_jax.checks import require_at_least
from dna_jax.search import ObjectiveConfig, TemperatureConfig
from dna_jax.search.strategies import (
    HARD,
    SOFT,
    DifferentiableConfig,
    EvolutionConfig,
    FastSlowConfig,
    PpoConfig,
    ReinforceConfig,
    SurrogateConfig,
    WeightedProduct,
)

SAMPLES = 5000
"""Designs that a search tries, as in NAHAS."""


@dataclasses.dataclass(frozen=True)
class StrategySettings:
    """How each strategy proceeds.

    Those of strategies that follow gradients were chosen on this very benchmark, with seeds 0 to 19; of PPO the
    learning rate alone was, for `ppo_tuned`.

    Attributes:
      evolution: regularised evolution (Real et al., AAAI 2019).
      nsga2_population: of a generation (Deb et al., 2002, section V).
      reinforce: NAHAS one-shot: a design to an update, at a constant rate.
      reinforce_beta: weight of what a cost is above its limit (as `rewards.Absolute`).
      ppo: NAHAS multi-trial, and its phase search.
      ppo_tuned: the same with twice the learning rate, which of 5e-4, 1e-3, 2e-3 and 3e-3 comes soonest near the optima of
        the three tighter budgets; at higher rates it settles too early.
      hard, soft: rewards of NAHAS, section 3.4.
      fast_slow: two-level co-exploration (Jiang et al., TCAD 2020).
      differentiable: Gumbel-softmax with exact accuracies; its variants differ in what their names say.
      differentiable_score: with sampled accuracies.
      hinge_weight: of differentiable_hinge.
      weighted_pressure: exponents of costs in the objective of differentiable_weighted (NAHAS, soft: 0.07).
      surrogate: differentiable_surrogate.
      surrogate_samples: designs that it trains at most.
    """

    evolution: EvolutionConfig = EvolutionConfig()
    nsga2_population: int = 100
    reinforce: ReinforceConfig = ReinforceConfig(batch=1, growth=1.0, updates=SAMPLES)
    reinforce_beta: float = -0.1
    ppo: PpoConfig = PpoConfig()
    ppo_tuned: PpoConfig = PpoConfig(learning_rate=1e-3)
    hard: WeightedProduct = HARD
    soft: WeightedProduct = SOFT
    fast_slow: FastSlowConfig = FastSlowConfig()
    differentiable: DifferentiableConfig = DifferentiableConfig()
    differentiable_score: DifferentiableConfig = DifferentiableConfig(
        accuracy="sampled", samples=10, learning_rate=0.03, baseline_decay=0.95
    )
    hinge_weight: float = 0.1
    weighted_pressure: float = 0.07
    surrogate: SurrogateConfig = SurrogateConfig()
    surrogate_samples: int = 500

    def __post_init__(self) -> None:
        require_at_least(self, nsga2_population=1, surrogate_samples=1)
        for name in ("hinge_weight", "weighted_pressure"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, and is {getattr(self, name)}.")
        if not self.reinforce_beta <= 0:
            raise ValueError(f"reinforce_beta takes off what is above a limit: at most 0, not {self.reinforce_beta}.")
        for name, accuracy in (("differentiable", "exact"), ("differentiable_score", "sampled")):
            if getattr(self, name).accuracy != accuracy:
                raise ValueError(f"{name}.accuracy is {accuracy}, which makes it that strategy; leave it so.")
        if self.differentiable.baseline_decay != DifferentiableConfig.baseline_decay:
            raise ValueError("differentiable.baseline_decay has no effect, for exact accuracies have no baseline; leave it.")
        score, reinforce = self.differentiable_score, self.reinforce
        if score.temperature.schedule == "constant" and score.steps != DifferentiableConfig.steps:
            raise ValueError("differentiable_score.steps has no effect with a constant temperature; leave it.")
        if reinforce.growth == 1 and reinforce.updates != SAMPLES:
            raise ValueError("reinforce.updates has no effect with a constant rate, growth=1; leave it.")
        for name in ("differentiable", "differentiable_score"):
            _require_read(f"{name}.temperature", getattr(self, name).temperature)
        for name in ("differentiable", "differentiable_score", "surrogate"):
            _require_read(f"{name}.objective", getattr(self, name).objective)


def _require_read(path: str, config: TemperatureConfig | ObjectiveConfig) -> None:
    """ValueError names an option at `path` that is set and that nothing would read."""
    if isinstance(config, TemperatureConfig):
        unread = {"end"} if config.schedule == "constant" else set()
    else:
        unread = {"goal"}
        unread |= {"hinge_weight"} if config.form != "hinge" else set()
        unread |= {"multiplier_rate", "multiplier_limit"} if config.form != "lagrangian" else set()
    for name in sorted(unread):
        default = SurrogateConfig.objective if isinstance(config, ObjectiveConfig) else config.__class__()
        if getattr(config, name) != getattr(default, name):
            raise ValueError(f"{path}.{name} has no effect here; leave it at {getattr(default, name)}.")
