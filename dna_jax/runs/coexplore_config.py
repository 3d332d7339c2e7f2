"""The typed configuration of a co-exploration of networks and pipelines of FPGAs."""

import dataclasses
from typing import Literal

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.checks import require_at_least
from dna_jax.data import DataConfig
from dna_jax.search.strategies import FastSlowConfig


@dataclasses.dataclass(frozen=True)
class PlainNetworkConfig:
    """Which networks.

    Attributes:
      depth: convolutions before the classifier; the paper's networks have 4 to 14.
    """

    depth: int = 6

    def __post_init__(self) -> None:
        require_at_least(self, depth=1)


@dataclasses.dataclass(frozen=True)
class BoardsConfig:
    """Which pipelines.

    Attributes:
      device: of every board.
      boards: at most so many.
      bits: width of operands.
    """

    device: Literal["zcu102"] = "zcu102"
    boards: int = 2
    bits: Literal[16, 32] = 16

    def __post_init__(self) -> None:
        require_at_least(self, boards=1)


@dataclasses.dataclass(frozen=True)
class RequirementsConfig:
    """What the best pipeline for a network has to reach on the boards at hand.

    Attributes:
      images_per_second: throughput, at least. Of the pipelines that have it, the best for a network is the most efficient.
      efficiency: share of the multipliers' cycles that compute the network (`Pipeline.efficiency`), at least.
    """

    images_per_second: float = 15_000.0
    efficiency: float = 0.6

    def __post_init__(self) -> None:
        if not self.images_per_second > 0:
            raise ValueError(f"images_per_second must be positive, not {self.images_per_second}.")
        if not 0 < self.efficiency <= 1:
            raise ValueError(f"efficiency is a share above 0 and at most 1, not {self.efficiency}.")


@dataclasses.dataclass(frozen=True)
class CoexploreConfig:
    """A co-exploration.

    Attributes:
      seed: of weights, the controller, splits and shuffling.
      rounds: how often designs are trained; each has `search.fast_steps` steps by hardware alone before it.
      beta: weight of accuracy against efficiency in the reward of slow steps.
      fast_reward: of fast steps: "shortfall" charges for what misses a requirement and leaves the rest to slow steps;
        "efficiency" pays for efficiency, too, as the paper does for utilisation. There are so many more fast steps than slow
        ones that accuracy then counts for little.
      within: points of accuracy by which the most efficient design (OptHW) may be behind the most accurate one (OptSW): the
        most efficient of all is otherwise one that hardly learns.
      data, network, boards, requirements, search, augmentation: the parts.
      training: of every network that is tried, judged on the held-out part of the training set.
      final_training: of the two designs found, on the whole training set, judged on the test set.
      evaluation_batch_size: images evaluated at a time.
    """

    seed: int = 0
    rounds: int = 20
    beta: float = 0.8
    fast_reward: Literal["shortfall", "efficiency"] = "shortfall"
    within: float = 1.0
    data: DataConfig = DataConfig()
    network: PlainNetworkConfig = PlainNetworkConfig()
    boards: BoardsConfig = BoardsConfig()
    requirements: RequirementsConfig = RequirementsConfig()
    search: FastSlowConfig = FastSlowConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    final_training: TrainingConfig = TrainingConfig()
    evaluation_batch_size: int = 256

    def __post_init__(self) -> None:
        require_at_least(self, rounds=1)
        if self.fast_reward != "shortfall" and not self.search.fast_steps:
            raise ValueError(
                f"fast_reward={self.fast_reward} has no effect here, for it is read only with search.fast_steps of at least "
                "1; change that, or set fast_reward=shortfall."
            )
        if not 0 <= self.beta <= 1:
            raise ValueError(f"beta {self.beta} must lie in [0, 1].")
        if not self.within >= 0:
            raise ValueError(f"within must not be negative, and is {self.within}.")
        for name in ("training", "final_training"):
            if getattr(self, name).steps < 1:
                raise ValueError(f"{name}.steps must be at least 1: designs are judged by what they learn.")
