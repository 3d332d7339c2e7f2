"""Settings of the strategies that the benchmark compares, as data: of papers those of their papers."""

import dataclasses
import functools

from dna_jax.checks import require_at_least
from dna_jax.search import ObjectiveConfig, OptimizerConfig, SearchConfig, TemperatureConfig
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


def adam(learning_rate: float) -> OptimizerConfig:
    """Adam for logits, at a constant rate and without anything else."""
    return dataclasses.replace(DifferentiableConfig.network, learning_rate=learning_rate)


def as_library(config: SearchConfig) -> DifferentiableConfig:
    """How a supernet is searched, where accuracies are exact: the steps after its warm-up, with a sample each."""
    return DifferentiableConfig(
        steps=config.steps - config.warmup_steps,
        samples=1,
        hard=config.hard,
        temperature=config.temperature,
        network=config.network,
        accelerator=config.accelerator,
        objective=config.objective,
    )


@dataclasses.dataclass(frozen=True)
class StrategySettings:
    """How each strategy proceeds.

    `differentiable`, `differentiable_likeliest`, `differentiable_score`, `surrogate`, and those whose names end in `_tuned`,
    are the best of as many tries each on this very benchmark (`benchmarks.tuning`, experiments/results/tuning).

    Attributes:
      evolution: regularised evolution (Real et al., AAAI 2019).
      evolution_tuned: the same, tuned.
      nsga2_population: of a generation (Deb et al., 2002, section V).
      reinforce: NAHAS one-shot: a design to an update, at a rate that grows until the last.
      reinforce_beta: weight of what a cost is off its limit (as `rewards.Absolute`).
      reinforce_tuned, reinforce_tuned_beta: the same, tuned.
      ppo: NAHAS multi-trial, and its phase search.
      ppo_tuned: the same, tuned: of twelve tries those of the paper are the best.
      hard, soft: rewards of NAHAS, section 3.4.
      fast_slow: two-level co-exploration (Jiang et al., TCAD 2020).
      fast_slow_exponent: of latency over its limit in the reward of its slow steps, in place of the utilisation of a
        pipeline that the paper rewards beside accuracy; that of NAHAS's soft reward.
      differentiable: Gumbel-softmax with exact accuracies, which returns the best of its samples; its variants differ in
        what their names say.
      differentiable_likeliest: of the search that returns its likeliest design.
      differentiable_library: as a supernet is searched where nothing else is said, after the warm-up.
      differentiable_score: with sampled accuracies.
      mixture_temperature: of differentiable_soft, whose mixtures say little of any design at a high one.
      hinge_weight: of differentiable_hinge.
      traded_pressure: exponents of costs in the objectives of differentiable_product and differentiable_weighted (NAHAS,
        soft: 0.07).
      surrogate: differentiable_surrogate.
      drawn_candidates: designs drawn uniformly in a step of surrogate_drawn, which follows no gradient.
      surrogate_samples: designs that it trains at most, the last step made whole.
    """

    evolution: EvolutionConfig = EvolutionConfig()
    evolution_tuned: EvolutionConfig = EvolutionConfig(population=50, sample=5, batch=5)
    nsga2_population: int = 100
    reinforce: ReinforceConfig = ReinforceConfig(batch=1)
    reinforce_beta: float = -0.1
    reinforce_tuned: ReinforceConfig = ReinforceConfig(batch=1, learning_rate=0.0384, growth=1.0, entropy_weight=0.001)
    reinforce_tuned_beta: float = -0.1
    ppo: PpoConfig = PpoConfig()
    ppo_tuned: PpoConfig = PpoConfig()
    hard: WeightedProduct = HARD
    soft: WeightedProduct = SOFT
    fast_slow: FastSlowConfig = FastSlowConfig()
    fast_slow_exponent: float = -0.07
    differentiable: DifferentiableConfig = DifferentiableConfig(
        samples=8,
        temperature=TemperatureConfig(schedule="constant", start=2.0),
        network=adam(0.025),
        accelerator=adam(0.4),
        objective=ObjectiveConfig(multiplier_rate=0.005, pressure=0.001),
    )
    differentiable_likeliest: DifferentiableConfig = DifferentiableConfig(
        samples=4,
        network=adam(0.025),
        accelerator=dataclasses.replace(adam(0.2), schedule="cosine"),
        objective=ObjectiveConfig(multiplier_rate=0.0025, pressure=0.003, damping=0.1),
    )
    differentiable_library: DifferentiableConfig = as_library(SearchConfig())
    differentiable_score: DifferentiableConfig = DifferentiableConfig(
        accuracy="sampled",
        samples=20,
        network=adam(0.1),
        accelerator=adam(0.2),
        objective=ObjectiveConfig(multiplier_rate=0.005, pressure=0.001),
        baseline_decay=0.95,
    )
    mixture_temperature: float = 0.5
    hinge_weight: float = 0.1
    traded_pressure: float = 0.07
    surrogate: SurrogateConfig = SurrogateConfig(
        gradient_steps=4, objective=ObjectiveConfig(multiplier_rate=0.0025, pressure=0.01)
    )
    surrogate_samples: int = 500
    drawn_candidates: int = 1000

    def __post_init__(self) -> None:
        require_at_least(self, nsga2_population=1, surrogate_samples=1, drawn_candidates=self.surrogate.queries)
        if not self.surrogate.gradient_steps:
            raise ValueError("surrogate.gradient_steps must be at least 1; surrogate_drawn is the search without any.")
        for name in ("hinge_weight", "traded_pressure"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, and is {getattr(self, name)}.")
        if not self.mixture_temperature > 0:
            raise ValueError(f"mixture_temperature must be positive, and is {self.mixture_temperature}.")
        if not self.fast_slow_exponent <= 0:
            raise ValueError(f"fast_slow_exponent rewards less latency: at most 0, not {self.fast_slow_exponent}.")
        for name in ("reinforce", "reinforce_tuned"):
            if not getattr(self, f"{name}_beta") <= 0:
                raise ValueError(f"{name}_beta takes off: at most 0, not {getattr(self, f'{name}_beta')}.")
            if getattr(self, name).updates != ReinforceConfig.updates:
                raise ValueError(f"{name}.updates has no effect, for samples and batch say how many there are; leave it.")
        gradients = ("differentiable", "differentiable_likeliest", "differentiable_library", "differentiable_score")
        for name, accuracy in zip(gradients, ("exact", "exact", "exact", "sampled"), strict=True):
            if getattr(self, name).accuracy != accuracy:
                raise ValueError(f"{name}.accuracy is {accuracy}, which makes it that strategy; leave it so.")
            if accuracy == "exact" and getattr(self, name).baseline_decay != DifferentiableConfig.baseline_decay:
                raise ValueError(f"{name}.baseline_decay has no effect, for exact accuracies have no baseline; leave it.")
        score = self.differentiable_score
        schedules = {score.temperature.schedule, score.network.schedule, score.accelerator.schedule}
        if schedules == {"constant"} and score.steps != DifferentiableConfig.steps:
            raise ValueError("differentiable_score.steps has no effect where everything is constant; leave it.")
        for name in gradients:
            _require_read(f"{name}.temperature", getattr(self, name).temperature)
        for name in (*gradients, "surrogate"):
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
        default = functools.reduce(getattr, path.split("."), StrategySettings)
        if getattr(config, name) != getattr(default, name):
            raise ValueError(f"{path}.{name} has no effect here; leave it at {getattr(default, name)}.")
