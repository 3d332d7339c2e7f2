"""The flags of binaries that search ASIC pipelines for networks drawn at random: what for, and with what effort."""

from absl import flags

from dna_jax.runs import binary
from dna_jax.search.asic_steps import GOALS, Goal
from experiments import benchmark_output
from experiments.published_asic import Effort


def define() -> None:
    """Define them, `--out` included; called where a binary starts."""
    flags.DEFINE_list("goals", ["edp", "interval_ms"], f"What is searched for, of {', '.join(GOALS)}.")
    flags.DEFINE_float("area_mm2", 4.0, "Budget of every pipeline, link to DRAM included, 3.2 mm2 for the fastest.")
    flags.DEFINE_integer("evaluations", 3000, "Designs that each start of a search prices.", lower_bound=1)
    flags.DEFINE_integer("starts", 2, "Starts of each search; where a design is given, every other one.", lower_bound=2)
    flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0)
    benchmark_output.define_out_flag()


def goals() -> list[Goal]:
    """What is searched for, in the order of GOALS; UserError if `--goals` names something else, nothing, or one twice."""
    wanted = binary.some_of("goals", GOALS)
    return [goal for goal in GOALS if goal in wanted]


def effort() -> Effort:
    """What every search may spend."""
    return Effort(flags.FLAGS.area_mm2, flags.FLAGS.evaluations, flags.FLAGS.starts, flags.FLAGS.seed)
