"""DNA on an ASIC: operations, operand widths and a pipeline of three chunks searched together, on the embedded digits.

Paper:     DNA (Zhang et al., arXiv:2010.14778): 3.1e31 networks, 1.4e31 pipelines; the options of the pipelines are ours.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, at a quarter of the width.
Hardware:  2 CPU cores; chunks are in 22 nm at 1 GHz. Their units have 8 bits: narrower operands save traffic, memory and
           what multiplying takes, and no time or area.
Time:      5 minutes 15 seconds with an empty cache of compiled programs.
Expected:  all budgets met, the energy-delay product within a few percent of what no pipeline undercuts: 0.31 uJ ms in
           1.09 mm2 at 95.8 % test accuracy, beside 6.28 uJ ms in 2.35 mm2 at 96.1 % of the default network on the
           baseline and 2.08 uJ ms in 1.04 mm2 on the best pipeline found for it (experiments/results/dna_asic/). For the
           energy-delay product of one image all layers end on one chunk.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_asic.py
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke
from experiments.configs import dna_fpga


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """That of `dna_fpga.py` on other accelerators; the pipeline is carried by gradient, priced for sampled networks."""
    config = dna_fpga.get_config(variant)
    config.update_from_flattened_dict(
        {
            "accelerator.template": "asic",
            "budgets.area_mm2": 1.5,
            "search.objective.goal": "edp",
            "search.objective.pressure": None,
            # The expected network has every layer, and to price them all on every neighbour takes five times as long.
            "search.expected_network": False,
            "search.reoptimize_every": 0,
        }
    )
    if not is_smoke(variant):
        # A step takes longer than one of `dna_fpga.py`, and the search of the pipeline at the end minutes of its own.
        config.update_from_flattened_dict(
            {"search.steps": 400, "search.warmup_steps": 200, "search.weights.warmup_steps": 20}
        )
    return config
