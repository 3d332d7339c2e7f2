"""DNA on an FPGA: operations, operand widths and a pipeline of chunks searched together, on the embedded digits.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021): 3.1e31 networks, 1e49 pipelines;
           here, for maps of 8 x 8 and smaller, 8.1e46 pipelines.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, at a quarter of the width.
Hardware:  2 CPU cores; the pipeline is for a ZC706 board, in the corrected cost model.
Time:      3 minutes 40 seconds with an empty cache of compiled programs.
Expected:  all budgets met, the pipeline proven optimal for the network found in the allocation of the release; 96.9 % test
           accuracy at 20,023 images/s (experiments/results/dna_fpga/; three seeds on one core 94.4 to 96.4 % at 20,105
           to 20,596, experiments/results/dna_exact/), beside 96.1 % of the default network (kernel 3, expansion 6, 8 bits)
           at 777 on the baseline pipeline and 4,725 on the one that is proven best for it in the same allocation.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_fpga.py
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
            accelerator=AcceleratorConfig(template="fpga", device="zc706"),
            budgets=Budgets(fps=20_000),
            search=SearchConfig(
                level="bilevel",
                soft_widths=True,
                soft_warmup=True,
                active_paths=2,
                # The pipeline is set anew to the proven best for the expected network, which is what is priced: often, for
                # in the meantime the network is made for a pipeline that it will not have.
                expected_network=True,
                reoptimize_every=4 if smoke else 5,
                steps=steps,
                warmup_steps=steps // 2,
                weights=OptimizerConfig(learning_rate=0.1, warmup_steps=steps // 20),
                # Of the pull towards the budget, which is strong at first, nothing is to remain when it is met.
                network=OptimizerConfig(
                    name="adam", learning_rate=0.05, weight_decay=0.0, warmup_steps=0, squares_decay=0.95
                ),
                # The exact search chooses the pipeline; no pressure is needed for that, and damping keeps the network at
                # the budget instead of below.
                objective=ObjectiveConfig(pressure=0.0, multiplier_rate=0.02, damping=4.0),
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
