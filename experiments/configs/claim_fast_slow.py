"""Claim: co-exploration in two levels, whose fast one looks at hardware alone, beats training everything or fixed hardware.

Paper:     Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020).
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets; on pipelines of
           several FPGAs with real training, see `coexploration.py`.
Hardware:  2 CPU cores.
Time:      9 minutes.
Expected:  0.8 to 2.5 times fewer trainings than PPO, at 0.05 to 0.26 points less; 1 to 8 % more images a second
           than on fixed hardware (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_fast_slow.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim=(
                "fast/slow co-exploration trains fewer networks to the same accuracy than slow exploration alone, and"
                " returns faster and more efficient pairs than network search on fixed hardware"
            ),
            published=(
                "against hardware-aware network search on fixed hardware (ImageNet): throughput 35.24 % and energy "
                "efficiency 54.05 % higher. These are (new - old) / new of 10.5 against 6.8 images/s and 0.74 against"
                " 0.34 GOPS/W; over the old ones they would be 54 % and 118 %."
            ),
            new="fast_slow",
            old=("ppo", "ppo_on_baseline"),
            figures=("accuracy", "accuracy_within", "queries", "throughput", "energy_efficiency"),
        ),
        variant,
    )
