"""Claim: co-exploration in two levels, whose fast one looks at hardware alone, trains fewer networks than one level.

Paper:     Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020).
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets; on pipelines of
           several FPGAs with real training, see `coexploration.py`.
Hardware:  2 CPU cores.
Time:      4 minutes, beside other work.
Expected:  0.8 to 3.1 times fewer trainings than PPO to the accuracy that both reach, none of it beyond chance; at equal
           trainings 0.12 points less to 0.03 more, in the end, with a third of the trainings, 0.03 to 0.14 points less
           (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_fast_slow.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim="fast/slow co-exploration trains fewer networks to the same accuracy than slow exploration alone",
            published="no figure of its own: pruning spares the training of what misses its specification.",
            # Of one reward, so that the levels are compared.
            new="fast_slow_hard",
            old=("ppo",),
            figures=("accuracy", "accuracy_at_equal_queries", "accuracy_within", "queries"),
        ),
        variant,
    )
