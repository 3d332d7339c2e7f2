"""Claim: joint search needs half the samples of phase search.

Paper:     NAHAS (Zhou et al., 2021), abstract and section 4.3.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      8 minutes.
Expected:  more accurate than phase search with any number of samples, by 14.1 to 0.16 points; as accurate as phase search
           ends with 1.6 to 3.6 times fewer samples than its 1,250, and more times fewer than its 2,500 or more, with which
           it ends alike. By trainings, of which a first phase makes one, 0.6 to 2.6 times fewer: not decided at most budgets
           (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_samples.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim="joint search is as accurate as phase search with fewer samples, whatever number phase search is given",
            published=(
                "joint search needs half the samples (old / new = 2). Phase search is scheduled by its number of samples, "
                "so that it is run with 1,250 to 20,000 of them, each counted to its end; joint search to where it is as "
                "accurate as that. A first phase trains one network, whatever it prices, so that trainings are counted, too."
            ),
            new="ppo",
            old=("phases_quarter", "phases_half", "phases", "phases_double", "phases_quadruple"),
            figures=("accuracy", "samples", "trainings_as_accurate"),
        ),
        variant,
    )
