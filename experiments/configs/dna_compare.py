"""DNA's joint search against one part after the other, at the same images a second, small enough for two cores.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021): joint against sequential search.
Data:      CIFAR-10 of tensorflow-datasets, resized to 16 x 16; a quarter of the width, stride plan `cifar`.
Hardware:  2 CPU cores; the pipeline is for a ZC706 board, in the corrected cost model.
Time:      half an hour to an hour a run, each on one of two cores; half of it and more for the four trainings.
Expected:  every search meets its budgets; network then accelerator 55.3 to 57.7 % at 20,100 to 25,000 images/s, joint 56.3
           to 57.5 % at 21,300 to 27,300 (five seeds, means of four trainings,
           experiments/results/dna_compare_searched/). With --config.accelerator.allocation=released and one training joint
           56.7 % at 23,500, 2.1 points above network then accelerator (experiments/results/dna_compare/).
Command:   python -m experiments.compare --config=experiments/configs/dna_compare.py --data_dir=DIR --workdir=DIR \
             "--searches=network then accelerator,accelerator then network,joint,random network" \
             "--match=network then accelerator"
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke
from experiments.configs import dna_fpga


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    config = dna_fpga.get_config(variant)
    config.update_from_flattened_dict(
        {
            "data.name": "cifar10",
            "data.image_size": 16,
            "data.limit": 100 if smoke else 0,
            "network.stride_plan": "cifar",
            # Whoever is free to choose which maps count as large is compared at what that reaches.
            "accelerator.allocation": "searched",
            # Almost five times what the default network reaches at 8 bits on its proven best pipeline: 4,235, in the
            # allocation of the release.
            "budgets.fps": 20_000.0,
            "augmentation.crop_padding": 2,
            "augmentation.flip": True,
            "retrain.published": False,
        }
    )
    if not smoke:
        config.update_from_flattened_dict(
            {
                # Where the supernet has seen two epochs or less, decisions favour what learns fastest, small operations, and
                # budgets do not bind.
                "search.steps": 2400,
                "search.warmup_steps": 1600,
                "search.weights.warmup_steps": 40,
                # Decisions settle, and as the temperature falls, what is priced becomes the network that is returned.
                "search.network.learning_rate": 0.1,
                "search.temperature.end": 0.2,
                "retrain.training.steps": 4000,
                # One training more or less lucky comes out two points higher or lower, as far apart as searches are.
                "retrain.repeats": 4,
                "retrain.training.optimizer.warmup_steps": 100,
                "retrain.training.ema_decay": 0.995,
                "retrain.training.calibration_batches": 20,
                "log_every": 50,
                "checkpoint_every": 300,
            }
        )
    return config
