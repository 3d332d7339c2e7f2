"""Joint search against network-only and accelerator-only search at equal steps and budgets, small enough for two cores.

Paper:     NAHAS (Zhou et al., 2021), Figures 3 and 4: joint against platform-aware search.
Data:      CIFAR-10 of tensorflow-datasets, resized to 16 x 16; S1 at width 0.25, stride plan `cifar_early`.
Hardware:  2 CPU cores.
Time:      about 25 minutes for three seeds of each of three searches.
Expected:  every search meets its budgets; joint search 38.6 to 43.9 % (six runs), network only 41.5 to 42.8 %, accelerator
           only 40.0 to 41.6 %, random networks within the budgets 39.6 to 41.8 %: searches so short are not beyond chance
           ahead of these (experiments/results/cifar10_compare).
Command:   python -m experiments.compare --config=experiments/configs/cifar10_compare.py --data_dir=DIR --workdir=DIR
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    steps = 8 if smoke else 500
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(
                name="cifar10",
                batch_size=16 if smoke else 64,
                decision_fraction=0.1,
                image_size=16,
                limit=400 if smoke else 0,
            ),
            network=NetworkConfig(space="s1", width=0.25, stride_plan="cifar_early"),
            # The area of the baseline, and four fifths of the latency of the published network on it: within reach of
            # each of the three searches.
            budgets=Budgets(latency_ms=0.0098, area_mm2=32.8),
            search=SearchConfig(
                steps=steps,
                warmup_steps=steps // 4,
                weights=OptimizerConfig(learning_rate=0.05, warmup_steps=steps // 10),
                network=OptimizerConfig(name="adam", learning_rate=0.03, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=2, flip=True),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=8 if smoke else 1500,
                    optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=2 if smoke else 100, weight_decay=5e-4),
                    ema_decay=0.995,
                    calibration_batches=2 if smoke else 20,
                ),
                published=False,
            ),
            log_every=4 if smoke else 50,
            checkpoint_every=4 if smoke else 500,
        )
    )
