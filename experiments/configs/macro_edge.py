"""Settings of the strategies on the benchmark macro_edge: of papers those of their papers.

Papers:    NAHAS (Zhou et al., 2021), TuNAS (Bender et al., CVPR 2020), Co-Exploration (Jiang et al., TCAD 2020), regularised
           evolution (Real et al., AAAI 2019), NSGA-II (Deb et al., 2002).
Data:      NAS-Bench-Macro with the NAHAS edge space (`macro_edge`), 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      not measured yet.
Expected:  not measured yet.
Command:   python -m experiments.benchmark_search --out=DIR
"""

from ml_collections import config_dict

from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.runs.config import to_config_dict


def get_config() -> config_dict.ConfigDict:
    """The settings; override one as --config.ppo.learning_rate=0.001."""
    return to_config_dict(StrategySettings())
