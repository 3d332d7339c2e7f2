"""Two-level fast/slow co-exploration of plain networks and a pipeline of FPGAs, on the embedded digits.

Paper:     Jiang et al., Hardware/Software Co-Exploration of Neural Architectures (TCAD 2020, arXiv:1907.04650): networks of
           six convolutions (1.1e9 of them), for each the most efficient pipeline with the throughput on at most two ZCU102
           boards, operands of 16 bits.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8.
Hardware:  1 CPU core.
Time:      11 minutes (slow_only: 13), beside each other on two cores.
Expected:  most accurate design 96 to 98 % on the held-out images and 98.6 to 99.7 % on the test set after longer training,
           at 15,000 images a second or more with 63 to 90 % of the multipliers at work; 56 to 60 networks trained, 10 to 14
           left out of slow steps for what they cost, 630 priced. So short a search learns to meet the requirements (81 to
           96 % of the last proposals, slow_only 70 to 80 %), and hardly yet which networks learn well
           (experiments/results/coexploration).
Command:   python -m experiments.coexplore --config=experiments/configs/coexploration.py
           For CIFAR-10: --config.data.name=cifar10 --data_dir=DIR, deeper networks (--config.network.depth=10), longer
           trainings, and less throughput (--config.requirements.images_per_second=5000).
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.errors import UserError
from dna_jax.runs.coexplore_config import CoexploreConfig, PlainNetworkConfig, RequirementsConfig
from dna_jax.runs.config import to_config_dict
from dna_jax.search import OptimizerConfig
from dna_jax.search.strategies import FastSlowConfig, PpoConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run; `smoke`, the same path in seconds; or `slow_only`, as many slow steps without what spares trainings."""
    if variant not in ("", "smoke", "slow_only"):
        raise UserError(f"This run card has no variant {variant!r}; use FILE, FILE:smoke or FILE:slow_only.")
    smoke, fast = variant == "smoke", variant != "slow_only"

    def training(steps: int) -> TrainingConfig:
        return TrainingConfig(
            steps=steps,
            optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=min(10, steps), weight_decay=5e-4),
            ema_decay=0.98,
            calibration_batches=2 if smoke else 5,
        )

    return to_config_dict(
        CoexploreConfig(
            rounds=2 if smoke else 14,
            data=DataConfig(name="digits", batch_size=16 if smoke else 64),
            network=PlainNetworkConfig(depth=2 if smoke else 6),
            requirements=RequirementsConfig(images_per_second=15_000.0, efficiency=0.3 if smoke else 0.6),
            search=FastSlowConfig(
                fast_steps=(2 if smoke else 8) if fast else 0,
                # Without, fast steps settled on networks that learn little, before any was trained beside them.
                enough=0.5 if fast else 1.0,
                prune=fast,
                # Some 120 updates at most: ten times the learning rate of NAHAS, whose searches have 500.
                ppo=PpoConfig(batch=3 if smoke else 5, learning_rate=5e-3, entropy_weight=5e-3),
            ),
            augmentation=AugmentationConfig(crop_padding=1, flip=False),
            training=training(3 if smoke else 100),
            final_training=training(3 if smoke else 400),
        )
    )
