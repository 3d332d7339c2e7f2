"""The benchmark macro_edge: search strategies, of papers with the settings of their papers, against proven optima.

Paper:     NAHAS (Zhou et al., 2021), TuNAS (Bender et al., CVPR 2020), Co-Exploration (Jiang et al., TCAD 2020), regularised
           evolution (Real et al., AAAI 2019), NSGA-II (Deb et al., 2002); NAS-Bench-Macro (Su et al., 2021).
Data:      NAS-Bench-Macro with the NAHAS edge space, 20 seeds at each of five budgets.
Hardware:  2 CPU cores.
Time:      21 minutes.
Expected:  median regret of the differentiable search 0.00 points at every budget, of PPO at most 0.02, of random search
           10.8 to 0.35; all figures in experiments/results/macro_edge.
Command:   python -m experiments.benchmark_search --config=experiments/configs/macro_edge.py --out=DIR
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke, to_config_dict
from experiments.search_benchmark_config import SearchBenchmarkConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The comparison, or `smoke`: the same in a minute or two."""
    smoke = SearchBenchmarkConfig(seeds=2, samples=100, brute_force=0, side_by_side=2)
    return to_config_dict(smoke if is_smoke(variant) else SearchBenchmarkConfig())
