"""Claim: joint search violates budgets less often than phase search.

Paper:     NAHAS (Zhou et al., 2021), section 4.3.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      5 minutes, beside other work.
Expected:  of joint searches 0 to 15 % end beyond a budget, by less than 1 %; of phase searches all or nearly all at the two
           tightest budgets, hardly any at the two loosest (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_violations.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim="joint search ends beyond its budgets less often than phase search",
            published=(
                "3 of 4 phase searches and 1 of 4 joint searches violated their constraint. All searches here return their "
                "design of highest reward, which may do so; elsewhere on this benchmark they return the best within the "
                "budgets."
            ),
            new="ppo_rewarded",
            old=("phases_rewarded", "phases_largest_rewarded"),
            figures=(
                *("searches_beyond", "searches_far_beyond", "excess"),
                *("tried_beyond", "tried_beyond_late", "accuracy_within"),
            ),
        ),
        variant,
    )
