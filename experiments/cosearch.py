"""Search a network and an accelerator together.

python -m experiments.cosearch --config=experiments/configs/digits.py --workdir=DIR
"""

import sys

from absl import flags
from ml_collections import config_flags

from dna_jax.errors import UserError
from dna_jax.runs import binary
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.cosearch import run
from dna_jax.runs.table import summary_table


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", None, "Run card, FILE or FILE:variant.")
    flags.DEFINE_string("workdir", None, "Directory of the run; resumed if it holds one of this configuration.")
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
    flags.DEFINE_enum(
        "fix", None, ["network", "accelerator"], "Part held at its published value: the network, or the accelerator."
    )


def main() -> None:
    """Run the job that the flags describe."""
    values = binary.run_card()
    if not flags.FLAGS.workdir:
        raise UserError("Pass --workdir=DIR, the directory in which the run keeps its files.")
    if flags.FLAGS.fix:
        values["fix"] = flags.FLAGS.fix
    summary = run(from_mapping(CosearchConfig, values), flags.FLAGS.workdir, flags.FLAGS.data_dir)
    print(summary_table(summary, flags.FLAGS.workdir))
    sys.stdout.flush()


if __name__ == "__main__":
    binary.run(main, define_flags)
