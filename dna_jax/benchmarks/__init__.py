"""Search strategies compared where the optimum is known: a table of every design, judges, figures and their statistics."""

from dna_jax.benchmarks.brute_force import confirm
from dna_jax.benchmarks.claim_figures import FIGURES, Runs, Setting
from dna_jax.benchmarks.comparison import compare
from dna_jax.benchmarks.entry import Entry
from dna_jax.benchmarks.figures import Curve, curve, figures
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.judge import Judged, judge
from dna_jax.benchmarks.macro_edge import Benchmark, macro_edge
from dna_jax.benchmarks.optimum import Front, Task, exact_front, make_tasks
from dna_jax.benchmarks.run import TrialSearch, use_every_core
from dna_jax.benchmarks.settings import SAMPLES, StrategySettings
from dna_jax.benchmarks.strategies import COMPARABLE, STRATEGIES, comparable, strategies
from dna_jax.benchmarks.table_problem import TableProblem

__all__ = [
    "COMPARABLE",
    "FIGURES",
    "SAMPLES",
    "STRATEGIES",
    "Benchmark",
    "Curve",
    "Entry",
    "Front",
    "JointTable",
    "Judged",
    "Runs",
    "Setting",
    "StrategySettings",
    "TableProblem",
    "Task",
    "TrialSearch",
    "comparable",
    "compare",
    "confirm",
    "curve",
    "exact_front",
    "figures",
    "judge",
    "macro_edge",
    "make_tasks",
    "strategies",
    "use_every_core",
]
