"""DNA's joint search against network then accelerator on CIFAR-10 as it is: 32 x 32, at full width.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021): joint against sequential search.
Data:      CIFAR-10 of tensorflow-datasets, 32 x 32; width 1.0; stride plan `cifar`.
Hardware:  one GPU; the pipeline is for a ZC706 board, in the corrected cost model.
Time:      network then accelerator 8 minutes on an NVIDIA H200, three runs side by side; joint not measured yet.
Expected:  network then accelerator 78.7 to 79.6 % at 931 to 1,065 images/s (three seeds, means of two trainings,
           experiments/results/dna_compare_gpu/); joint at least as accurate at no fewer images a second, not measured yet.
Command:   python -m experiments.compare --config=experiments/configs/dna_compare_gpu.py --data_dir=DIR --workdir=DIR \
             "--searches=network then accelerator,joint" "--match=network then accelerator"
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke
from experiments.configs import dna_compare


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    config = dna_compare.get_config(variant)
    if not is_smoke(variant):
        config.update_from_flattened_dict(
            {
                "data.image_size": 0,
                "network.width": 1.0,
                # Five times what the default network reaches at 8 bits on its proven best pipeline: 177.
                "budgets.fps": 900.0,
                "augmentation.crop_padding": 4,
                "retrain.repeats": 2,
                "checkpoint_every": 800,
            }
        )
    return config
