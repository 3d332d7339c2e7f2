"""Claim: co-exploration finds faster and more efficient pairs than network search on fixed hardware.

Paper:     Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020, arXiv:1907.04650), abstract.
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets; on pipelines of
           several FPGAs with real training, see `coexploration.py`.
Hardware:  2 CPU cores.
Time:      7 minutes, beside other work.
Expected:  -0.2 to 21 % more images a second than the same search on fixed hardware, -6 to 32 % more operations a joule
           (experiments/results/claims).
Command:   python -m experiments.compare_strategies --config=experiments/configs/claim_hardware_efficiency.py
"""

from ml_collections import config_dict

from experiments.claim_config import ClaimConfig, claim_card


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in seconds."""
    return claim_card(
        ClaimConfig(
            claim=(
                "co-exploration, rewarded for accuracy and for less latency, returns faster and more efficient pairs than "
                "network search on fixed hardware"
            ),
            published=(
                "against hardware-aware network search on fixed hardware (ImageNet): throughput 35.24 % and energy "
                "efficiency 54.05 % higher. These are (new - old) / new of 10.5 against 6.8 images/s and 0.74 against"
                " 0.34 GOPS/W; over the old ones they would be 54 % and 118 %."
            ),
            new="fast_slow_rewarded",
            old=("fast_slow_on_baseline", "ppo_on_baseline"),
            figures=("throughput", "energy_efficiency", "accuracy_within", "searches_beyond"),
        ),
        variant,
    )
