"""DNA on an FPGA at full width: operations, operand widths and a pipeline of chunks searched together, on CIFAR-10.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021): 3.1e31 networks, 1e49 pipelines.
           As in the release of Auto-NBA (commit 8ddaf3e, `config_search.py`, `config_train.py`): bilevel on halves of the
           training set, batches of 64, 30 epochs of warm-up and 90 of search; SGD at 0.025 with a cosine, weight decay
           5e-4, Adam at 3e-4 on decisions; two paths backward, widths mixed while weights learn; temperature 5, times
           0.975 an epoch; 600 epochs from scratch at 0.01, no label smoothing.
           Chosen here: training batches of 64 instead of 96, the learning rate in proportion; cosines that end at 0;
           momentum of Nesterov; Adam with its usual decays; crops of 4 pixels and flips. The release weighs latency by
           1e-10, more below 100 images/s and less above 400; here 300 images/s are a budget. The pipeline is carried by
           gradient and proven at the end, in the corrected cost model; --config.search.reoptimize_every=5
           --config.search.expected_network --config.search.objective.pressure=0 --config.search.objective.damping=4 set
           it anew to the proven best on the way, as dna_fpga.py does.
Data:      CIFAR-10 of tensorflow-datasets, 32 x 32.
Hardware:  one GPU; the pipeline is for a ZC706 board. Variant `cpu`, at a quarter of the width and fewer steps: 2 CPU cores.
Time:      not measured as a whole. By its step on an H100 (26 ms, experiments/results/benchmarks/), the search takes some 20
           minutes, if images come as fast.
Expected:  all budgets met, the pipeline proven optimal for the network found in the allocation of the release (where 177
           images/s are the most that the default network of kernel 3, expansion 6 and 8 bits reaches); accuracy not
           measured yet.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_cifar10.py --data_dir=DIR
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import AcceleratorConfig, CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, OptimizerConfig, SearchConfig, TemperatureConfig

_BATCH = 64
_SEARCH_EPOCH, _EPOCH = 25_000 // _BATCH, 50_000 // _BATCH
"""Steps through half of the training set, and through all of it."""


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run; `cpu`, smaller; or `smoke`: the same path in seconds."""
    config = to_config_dict(
        CosearchConfig(
            data=DataConfig(name="cifar10", batch_size=_BATCH, decision_fraction=0.5),
            network=NetworkConfig(space="dna", stride_plan="cifar"),
            accelerator=AcceleratorConfig(template="fpga", device="zc706"),
            budgets=Budgets(fps=300),
            search=SearchConfig(
                level="bilevel",
                soft_widths=True,
                active_paths=2,
                steps=120 * _SEARCH_EPOCH,
                warmup_steps=30 * _SEARCH_EPOCH,
                temperature=TemperatureConfig(start=5.0, end=5 * 0.975**90),
                weights=OptimizerConfig(learning_rate=0.025, warmup_steps=0, weight_decay=5e-4),
                network=OptimizerConfig(name="adam", learning_rate=3e-4, weight_decay=0.0, warmup_steps=0),
            ),
            augmentation=AugmentationConfig(crop_padding=4, flip=True),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=600 * _EPOCH,
                    optimizer=OptimizerConfig(learning_rate=0.01 * _BATCH / 96, warmup_steps=0, weight_decay=5e-4),
                    label_smoothing=0.0,
                    ema_decay=0.0,
                    calibration_batches=100,
                )
            ),
            log_every=100,
            checkpoint_every=10 * _SEARCH_EPOCH,
            evaluation_batch_size=1000,
        )
    )
    if variant == "cpu":
        # Fewer steps than the release has epochs: decisions and weights take larger ones.
        config.update_from_flattened_dict(
            {
                "network.width": 0.25,
                "budgets.fps": 2000.0,
                "search.steps": 400,
                "search.warmup_steps": 100,
                "search.temperature.start": 1.0,
                "search.weights.learning_rate": 0.05,
                "search.network.learning_rate": 0.05,
                "retrain.training.steps": 800,
                "retrain.training.optimizer.learning_rate": 0.05,
                "retrain.training.calibration_batches": 20,
                "log_every": 20,
                "checkpoint_every": 100,
            }
        )
    elif is_smoke(variant):
        config.update_from_flattened_dict(
            {
                "data.batch_size": 4,
                "data.limit": 40,
                "network.width": 0.1,
                "search.steps": 2,
                "search.warmup_steps": 1,
                "retrain.training.steps": 2,
                "retrain.training.calibration_batches": 1,
                "retrain.published": False,
                "log_every": 1,
                "checkpoint_every": 2,
                "evaluation_batch_size": 64,
            }
        )
    return config
