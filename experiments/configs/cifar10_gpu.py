"""Joint search on CIFAR-10 at full width.

Paper:     NAHAS (Zhou et al., 2021), space S1 joined with the edge accelerator space of Table 1, 4.2e17 designs.
Data:      CIFAR-10 of tensorflow-datasets, 32 x 32; width 1.0; stride plan `cifar` (32 pixels end as 4).
Hardware:  one GPU.
Time:      not measured yet.
Expected:  latency below the published network on the baseline accelerator at no loss of accuracy; MobileNetV2 with a
           standard recipe reaches about 94 %.
Command:   python -m experiments.cosearch --config=experiments/configs/cifar10_gpu.py --data_dir=DIR
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    epoch = 8 if smoke else 50_000 // 128
    search_steps = epoch if smoke else 40 * epoch
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(
                name="cifar10", batch_size=16 if smoke else 128, decision_fraction=0.1, limit=400 if smoke else 0
            ),
            network=NetworkConfig(space="s1", width=0.35 if smoke else 1.0, stride_plan="cifar"),
            budgets=Budgets(latency_ms=0.09, area_mm2=20.0),
            search=SearchConfig(
                steps=search_steps,
                warmup_steps=search_steps // 4,
                weights=OptimizerConfig(learning_rate=0.1, warmup_steps=search_steps // 20),
                network=OptimizerConfig(name="adam", learning_rate=0.003, weight_decay=0.0, warmup_steps=0),
                accelerator=OptimizerConfig(name="adam", learning_rate=0.02, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=4, flip=True),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=epoch if smoke else 150 * epoch,
                    optimizer=OptimizerConfig(learning_rate=0.1, warmup_steps=epoch // 2, weight_decay=5e-4),
                    ema_decay=0.9995,
                    calibration_batches=2 if smoke else 100,
                )
            ),
            log_every=4 if smoke else 100,
            checkpoint_every=4 if smoke else 10 * epoch,
            evaluation_batch_size=256 if smoke else 1000,
        )
    )
