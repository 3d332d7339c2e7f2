"""Joint search of a network and a Gemmini-like accelerator, with cycles corrected towards its RTL.

Paper:     Gemmini (Genc et al., DAC 2021); cycles of its RTL as published with DOSA (Hong et al., MICRO 2023). S1 joined
           with 245 designs of mesh, accumulators and scratchpad.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, no enlargement.
Hardware:  2 CPU cores.
Time:      about 3 minutes.
Expected:  latency below 0.15 ms in less than a fifth of the area of the default Gemmini (0.17 of 1.26 mm2), on which the
           published network takes 0.126 ms, and 0.16 ms on the mesh that fits; test accuracy 95 to 97 % found (96.1), 93 to
           97 % published (93.6). Three accelerators are within reach at most: ten decisions of the network
           give way.
Command:   python -m experiments.cosearch --config=experiments/configs/digits_gemmini.py
"""

from ml_collections import config_dict

from experiments.configs import digits


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: that of `digits.py` on another accelerator."""
    config = digits.get_config(variant)
    config.update_from_flattened_dict(
        {
            "accelerator.template": "gemmini",
            "cost.correction": "rtl",
            "budgets.latency_ms": 0.15,
            "budgets.area_mm2": 0.26,
        }
    )
    return config
