"""How a multi-trial search proceeds, as data: trials, their reward, how the controller learns, how networks are trained."""

import dataclasses
from typing import Literal

from dna_jax.checks import require_at_least
from dna_jax.search.optimizers import OptimizerConfig
from dna_jax.search.strategies.ppo import PpoConfig
from dna_jax.search.strategies.rewards import HARD, SOFT, Reward


@dataclasses.dataclass(frozen=True)
class ProxyTrainingConfig:
    """A short training from scratch whose accuracy stands for that of a full one.

    NAHAS (Zhou et al., 2021) trains every network that is tried for 5 epochs with RMSProp: 2 of linear warm-up to a learning
    rate of 0.66, then 3 of cosine decay to 0. What it leaves open is that of the release of MnasNet (`mnasnet/utils.py`,
    `mnasnet/mnasnet_main.py`), on which it builds: decays, epsilon, weight decay and label smoothing. Batches are those of
    the run (`data.batch_size`); the learning rate is meant for batches of a thousand or more.

    Attributes:
      epochs: of the images for weights, 0.8 of the training set by default; warm-up included.
      warmup_epochs: in which the learning rate rises from 0.
      learning_rate: peak.
      momentum, squares_decay, epsilon, weight_decay: of RMSProp, as in `OptimizerConfig`.
      label_smoothing: share of the target spread over all classes.
      calibration_batches: training batches over which batch statistics are measured for the evaluation.
    """

    epochs: int = 5
    warmup_epochs: int = 2
    learning_rate: float = 0.66
    momentum: float = 0.9
    squares_decay: float = 0.9
    epsilon: float = 1e-3
    weight_decay: float = 1e-5
    label_smoothing: float = 0.1
    calibration_batches: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs} must lie between 0 and epochs {self.epochs}, excluded.")
        require_at_least(self, calibration_batches=1)
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing {self.label_smoothing} must lie in [0, 1).")
        self.optimizer(images=1, batch_size=1)

    def steps(self, images: int, batch_size: int) -> int:
        """Optimiser steps of a training on so many images."""
        return max(round(self.epochs * images / batch_size), 1)

    def optimizer(self, images: int, batch_size: int) -> OptimizerConfig:
        """The optimiser of a training on so many images: epochs as steps. ValueError for what it objects to."""
        return OptimizerConfig(
            name="rmsprop",
            learning_rate=self.learning_rate,
            schedule="cosine",
            warmup_steps=round(self.warmup_epochs * images / batch_size),
            momentum=self.momentum,
            squares_decay=self.squares_decay,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
            clip_norm=0.0,
        )


@dataclasses.dataclass(frozen=True)
class MultiTrialConfig:
    """NAHAS multi-trial search (Zhou et al., 2021, section 3.4): a controller proposes designs, each network is trained.

    Attributes:
      trials: designs tried, each with a training of its network; a multiple of `ppo.batch`. NAHAS tries 5,000.
      reward: "hard" (accuracy, times budget over cost where a budget is exceeded: p = 0, q = -1) or "soft" (accuracy times
        (cost / budget)^-0.07 on either side: p = q = -0.07).
      ppo: how the controller learns.
      proxy: how networks are trained.
    """

    trials: int = 5000
    reward: Literal["hard", "soft"] = "hard"
    ppo: PpoConfig = PpoConfig()
    proxy: ProxyTrainingConfig = ProxyTrainingConfig()

    def __post_init__(self) -> None:
        if self.trials < 1 or self.trials % self.ppo.batch:
            raise ValueError(f"trials {self.trials} must be a multiple of ppo.batch {self.ppo.batch}, at least once that.")

    @property
    def updates(self) -> int:
        """Of the controller."""
        return self.trials // self.ppo.batch

    @property
    def reward_function(self) -> Reward:
        """The reward by its name."""
        return {"hard": HARD, "soft": SOFT}[self.reward]
