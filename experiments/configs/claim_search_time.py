"""Claim: differentiable search takes orders of magnitude less search time than reinforcement learning.

Paper:     DNA (Zhang et al., arXiv:2010.14778): up to 1234.3 times.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      2 minutes.
Expected:  PPO takes 41 to 92 times the seconds, and a tenth to a quarter of the trainings, for exact accuracies read the
           whole table (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_search_time.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim=("PPO takes longer than differentiable search with exact accuracies to the accuracy that both reach"),
            published=(
                "up to 1234.3 times the search time of reinforcement learning, old / new, in GPU hours that include "
                "training networks. Here nothing is trained: seconds are those of the searches themselves, and "
                "trainings are counted; with trainings, see `experiments.compare_shots`. Exact accuracies count as 6,561."
            ),
            new="differentiable",
            old=("ppo",),
            figures=("accuracy", "seconds", "queries"),
        ),
        variant,
    )
