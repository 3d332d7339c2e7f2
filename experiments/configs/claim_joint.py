"""Claim: searching network and accelerator together finds better pairs than one after the other, or with the hardware fixed.

Paper:     NAHAS (Zhou et al., 2021), Figures 3 and 4, Table 3.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      6 minutes, beside other work.
Expected:  +10.6 to +0.2 points over phase search, +22.2 to +0.3 over fixed hardware (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_joint.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim=("joint search finds more accurate networks within the same budgets than phase search or fixed hardware"),
            published=(
                "ImageNet top-1 at 2.0 ms and 0.93 of the baseline's area: joint 78.6 %, phase 77.7 %, "
                "EfficientNet-B1 on the baseline 78.0 % (Table 3), so +0.9 and +0.6 points, new - old; single "
                "searches, no intervals."
            ),
            new="ppo",
            old=("phases", "phases_largest", "ppo_on_baseline"),
            figures=("accuracy", "accuracy_within"),
        ),
        variant,
    )
