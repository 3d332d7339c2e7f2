"""DNA on an ASIC: operations, operand widths and a pipeline of three chunks searched together, on the embedded digits.

Paper:     DNA (Zhang et al., arXiv:2010.14778): 3.1e31 networks, 2e31 pipelines; the options of the pipelines are ours.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, at a quarter of the width.
Hardware:  2 CPU cores; chunks are in 22 nm at 1 GHz.
Time:      5 minutes 25 seconds, compilation included.
Expected:  all budgets met, the energy-delay product within a few percent of what no pipeline undercuts: 0.63 uJ ms in
           1.43 mm2 at 96.9 % test accuracy, beside 6.28 uJ ms in 2.35 mm2 at 96.1 % of the default network on the baseline.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_asic.py --workdir=DIR
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import AcceleratorConfig, CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, ObjectiveConfig, OptimizerConfig, SearchConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    steps = 8 if smoke else 480
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(name="digits", batch_size=16 if smoke else 64, decision_fraction=0.3),
            network=NetworkConfig(space="dna", width=0.25, stride_plan="digits"),
            accelerator=AcceleratorConfig(template="asic", chunks=3),
            budgets=Budgets(area_mm2=1.5, fps=20_000),
            search=SearchConfig(
                level="bilevel",
                soft_widths=True,
                soft_warmup=True,
                active_paths=2,
                steps=steps,
                warmup_steps=steps // 2,
                objective=ObjectiveConfig(goal="edp"),
                weights=OptimizerConfig(learning_rate=0.1, warmup_steps=steps // 20),
                network=OptimizerConfig(name="adam", learning_rate=0.1, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=1, flip=False),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=8 if smoke else 300,
                    optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=2 if smoke else 20, weight_decay=5e-4),
                    ema_decay=0.98,
                    calibration_batches=2 if smoke else 10,
                ),
                published=not smoke,
            ),
            log_every=4 if smoke else 20,
            checkpoint_every=4 if smoke else 120,
        )
    )
