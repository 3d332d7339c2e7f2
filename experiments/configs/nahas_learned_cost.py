"""Joint search on the embedded digits with costs that are learned, in place of the analytical model.

Paper:     NAHAS (Zhou et al., 2021), section 3.3: a network of three layers of 256 units, ReLU, dropout 0.1, a head for
           latency and one for area, loss MSE(area) + 10 MSE(latency), Adam at 1e-3, batches of 128, 500,000 samples; the
           rate is constant, and `--config.cost.learned.schedule=cosine` lets it fall to zero.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, no enlargement; the spaces and budgets of `digits.py`.
Hardware:  2 CPU cores.
Time:      3 minutes 40 seconds, one of them labelling and learning.
Expected:  median errors of 0.8 % in latency and 8 % in area on designs not seen (0.6 and 6 % with a rate that falls); all
           budgets met, 0.0098 ms and 3.9 mm2, test accuracy 98.6 % beside 93.6 % of the published network
           (experiments/results/learned_cost).
Command:   python -m experiments.cosearch --config=experiments/configs/nahas_learned_cost.py
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke
from experiments.configs import digits


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: that of `digits.py` with another cost model."""
    config = digits.get_config(variant)
    config.update_from_flattened_dict({"cost.model": "learned", "cost.learned.schedule": "constant"})
    if is_smoke(variant):
        config.update_from_flattened_dict({"cost.learned.samples": 1000, "cost.learned.epochs": 2})
    return config
