"""Joint search on CIFAR-10 at a size that two CPU cores can bear.

Paper:     NAHAS (Zhou et al., 2021), space S1 joined with the edge accelerator space of Table 1, 4.2e17 designs.
Data:      CIFAR-10 of tensorflow-datasets, 32 x 32; width 0.35; stride plan `cifar_early` (halves as early as possible).
Hardware:  2 CPU cores.
Time:      about 27 minutes.
Expected:  latency below 0.016 ms (the published network takes 0.0198 ms on the baseline accelerator) and area below 16 mm2
           (32.8 mm2), accuracy within two or three points of the published network's; figures in
           experiments/results/cifar10_cpu/.
Command:   python -m experiments.cosearch --config=experiments/configs/cifar10.py --data_dir=DIR
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, ObjectiveConfig, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    steps = 8 if smoke else 1200
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(
                name="cifar10", batch_size=16 if smoke else 64, decision_fraction=0.1, limit=400 if smoke else 0
            ),
            network=NetworkConfig(space="s1", width=0.35, stride_plan="cifar_early"),
            budgets=Budgets(latency_ms=0.016, area_mm2=16.0),
            search=SearchConfig(
                steps=steps,
                warmup_steps=steps // 4,
                # Five epochs decide little by accuracy alone: the pressure of NAHAS' exponents settles the rest.
                objective=ObjectiveConfig(pressure=0.07),
                weights=OptimizerConfig(learning_rate=0.03, warmup_steps=steps // 10),
                network=OptimizerConfig(name="adam", learning_rate=0.05, weight_decay=0.0, warmup_steps=0),
                accelerator=OptimizerConfig(name="adam", learning_rate=0.05, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=4, flip=True),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=8 if smoke else 3600,
                    optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=2 if smoke else 200, weight_decay=5e-4),
                    ema_decay=0.998,
                    calibration_batches=2 if smoke else 40,
                )
            ),
            log_every=4 if smoke else 40,
            checkpoint_every=4 if smoke else 400,
        )
    )
