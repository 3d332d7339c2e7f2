"""Joint search of a network and a Gemmini-like accelerator, with cycles corrected towards its RTL.

Paper:     Gemmini (Genc et al., DAC 2021); cycles of its RTL as published with DOSA (Hong et al., MICRO 2023). S1 joined
           with 245 designs of mesh, accumulators and scratchpad.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, no enlargement.
Hardware:  2 CPU cores.
Time:      about 3 minutes.
Expected:  latency below 0.15 ms in less than a fifth of the area of the default Gemmini (0.17 of 1.26 mm2), on which the
           published network takes 0.126 ms, and 0.16 ms on the mesh that fits; test accuracy of both networks 95 to 98 %.
Command:   python -m experiments.cosearch --config=experiments/configs/digits_gemmini.py --workdir=/tmp/digits_gemmini
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import (
    AcceleratorConfig,
    CosearchConfig,
    CostConfig,
    NetworkConfig,
    RetrainConfig,
    is_smoke,
    to_config_dict,
)
from dna_jax.search import Budgets, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    steps = 12 if smoke else 300
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(name="digits", batch_size=16 if smoke else 64),
            network=NetworkConfig(space="s1", width=0.25, stride_plan="digits"),
            accelerator=AcceleratorConfig(template="gemmini"),
            cost=CostConfig(correction="rtl"),
            budgets=Budgets(latency_ms=0.15, area_mm2=0.26),
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
