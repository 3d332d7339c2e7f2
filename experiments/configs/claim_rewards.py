"""Claim: a hard constraint finds better networks within the budgets than a soft one.

Paper:     NAHAS (Zhou et al., 2021), section 3.4: p = 0, q = -1 against p = q = -0.07.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      3 minutes, beside other work.
Expected:  +29.2 to +0.1 points, at four of five budgets beyond chance (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_rewards.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim="the hard reward returns more accurate networks within the budgets than the soft one",
            published=(
                "no figure of its own: the paper uses the hard reward where a target must be met, the soft one to trade."
            ),
            new="ppo",
            old=("ppo_soft",),
            figures=("accuracy", "accuracy_within", "searches_beyond", "tried_beyond"),
        ),
        variant,
    )
