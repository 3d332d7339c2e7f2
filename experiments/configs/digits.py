"""Joint search on the embedded digits: the quickest full run.

Paper:     NAHAS (Zhou et al., 2021), space S1 joined with the edge accelerator space of Table 1, 4.2e17 designs.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, no enlargement: a stride plan of their own (8 pixels end as 2).
Hardware:  2 CPU cores.
Time:      about 3 minutes after installation.
Expected:  all budgets met; test accuracy of the network found 96 to 99 %, of the published one 93 to 97 % (one image of the
           test set is 0.28 points): 98.3, 98.1 and 97.5 % found, 93.6, 96.7 and 94.4 % published with seeds 0 to 2;
           with one core, which adds up in another order, 96.7 and 96.7 % found with seeds 0 and 1.
Command:   make cosearch
           python -m experiments.cosearch --config=experiments/configs/digits.py
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    steps = 12 if smoke else 300
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(name="digits", batch_size=16 if smoke else 64),
            network=NetworkConfig(space="s1", width=0.25, stride_plan="digits"),
            budgets=Budgets(latency_ms=0.012, area_mm2=16.0),
            search=SearchConfig(
                steps=steps,
                warmup_steps=steps // 4,
                weights=OptimizerConfig(learning_rate=0.05, warmup_steps=steps // 10),
                network=OptimizerConfig(name="adam", learning_rate=0.05, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=1, flip=False),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=12 if smoke else 400,
                    optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=20, weight_decay=5e-4),
                    ema_decay=0.98,
                    calibration_batches=2 if smoke else 10,
                )
            ),
            log_every=4 if smoke else 20,
            checkpoint_every=6 if smoke else 100,
        )
    )
