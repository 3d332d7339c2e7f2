"""DNA on an FPGA at full width, on CIFAR-100.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021); all settings are those of
           `dna_cifar10.py`, as in the release of Auto-NBA, whose configuration of both sets is one.
Data:      CIFAR-100 of tensorflow-datasets, 32 x 32, its 100 fine labels.
Hardware:  one GPU; the pipeline is for a ZC706 board. Variant `cpu`, as in dna_cifar10.py: 2 CPU cores.
Time:      not measured yet.
Expected:  all budgets met, the pipeline proven optimal for the network found in the allocation of the release;
           accuracy not measured yet.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_cifar100.py --data_dir=DIR
"""

from ml_collections import config_dict

from experiments.configs import dna_cifar10


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """That of `dna_cifar10.py` on another data set."""
    config = dna_cifar10.get_config(variant)
    config.update_from_flattened_dict({"data.name": "cifar100"})
    return config
