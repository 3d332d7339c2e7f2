"""How a joint search proceeds, as data."""

import dataclasses
import math
from typing import Literal

from dna_jax.search.multi_trial_config import MultiTrialConfig
from dna_jax.search.objectives import ObjectiveConfig
from dna_jax.search.one_shot_config import OneShotConfig
from dna_jax.search.optimizers import OptimizerConfig
from dna_jax.search.relaxation import TemperatureConfig


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How the search proceeds.

    Attributes:
      method: "differentiable"; "one_shot", where designs drawn from a policy are rewarded, and no slope is taken; or
        "multi_trial", where a controller proposes designs, and every network is trained by itself.
      level: "single" or "bilevel".
      steps: all steps, warm-up included.
      warmup_steps: steps before decisions move.
      hard: straight-through one-hot samples; otherwise soft mixtures.
      temperature: of the Gumbel-softmax, over the steps after the warm-up.
      soft_warmup: with `hard`: during the warm-up weights learn under mixtures of options, which sharpen as their
        temperature falls. Where options differ much, weights hardly learn under one-hot samples of undecided choices.
      warmup_temperature: of those mixtures, over the steps of the warm-up.
      objective: form and weights.
      initial_noise: scale of the Gumbel noise on the network's first logits. With 1, the most likely network of the start is
        one drawn uniformly: left where it is (search.network.learning_rate=0), a search of random networks.
      weights, network, accelerator: optimisers. A rate of the network's that is a fifth of the default is too slow for some
        hundred steps: where accuracies are exact, such searches end 0.5 to 5 points from the optimum
        (experiments/results/macro_edge).
      one_shot: of the method of that name.
      label_smoothing: of the task loss.
      active_paths: options of a decision that stay in the gradient, those with the largest perturbed logits (DNA's
        several paths backward); 0 for all.
      expected_network: a step prices the expected network, with every option as often as it is probable, in place of the
        sampled one: what the budgets pull at no longer varies from sample to sample. Probable is an option at the
        temperature, so that as this falls, the network priced becomes the likeliest, which is the one that is returned.
        Weights and task loss are those of samples all the same, and accelerators are sampled.
      reoptimize_every: steps after which the accelerator is set anew to the best one for the network as it is then: on FPGAs
        proven for the expected one, whose slopes then are those of the best pipeline; for the most likely one of templates
        by enumeration, of ASICs by search. 0 to carry it by gradient.
      soft_widths: bilevel only: operand widths are mixtures while weights learn, and choices while they are chosen (the
        heterogeneous sampling of Auto-NBA). They mix at `temperature`, of the `active_paths` most perturbed where that is
        set, during a soft warm-up too.
      multi_trial: of that method.
    """

    method: Literal["differentiable", "one_shot", "multi_trial"] = "differentiable"
    level: Literal["single", "bilevel"] = "single"
    steps: int = 1000
    warmup_steps: int = 200
    hard: bool = True
    temperature: TemperatureConfig = TemperatureConfig()
    soft_warmup: bool = False
    warmup_temperature: TemperatureConfig = TemperatureConfig(start=5.0, end=0.2)
    objective: ObjectiveConfig = ObjectiveConfig()
    initial_noise: float = 0.0
    weights: OptimizerConfig = OptimizerConfig()
    network: OptimizerConfig = OptimizerConfig(name="adam", learning_rate=0.05, weight_decay=0.0, warmup_steps=0)
    accelerator: OptimizerConfig = OptimizerConfig(name="adam", learning_rate=0.2, weight_decay=0.0, warmup_steps=0)
    one_shot: OneShotConfig = OneShotConfig()
    label_smoothing: float = 0.0
    active_paths: int = 0
    expected_network: bool = False
    soft_widths: bool = False
    reoptimize_every: int = 0
    multi_trial: MultiTrialConfig = MultiTrialConfig()

    def __post_init__(self) -> None:
        if self.level not in ("single", "bilevel"):
            raise ValueError(f"Unknown search level {self.level!r}; choose single or bilevel.")
        if not 0 <= self.warmup_steps < self.steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} must lie between 0 and steps {self.steps}, steps excluded.")
        if self.reoptimize_every < 0:
            raise ValueError(f"reoptimize_every must not be negative, and is {self.reoptimize_every}.")
        if not 0 <= self.initial_noise < math.inf:
            raise ValueError(f"initial_noise must not be negative and must be finite, but is {self.initial_noise}.")
        if self.soft_warmup and not self.hard:
            raise ValueError("soft_warmup softens hard samples; with hard=False leave it off.")
        if self.active_paths < 0 or self.active_paths == 1:
            raise ValueError(f"active_paths must be 0 or at least 2, not {self.active_paths}.")
        if self.soft_widths and self.level != "bilevel":
            raise ValueError("soft_widths mixes widths while weights learn alone, which they do with level=bilevel only.")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing {self.label_smoothing} must lie in [0, 1).")
