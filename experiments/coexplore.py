"""Explore plain convolutional networks and pipelines of FPGAs together: fast by hardware alone, slow by training.

python -m experiments.coexplore --config=experiments/configs/coexploration.py

The run keeps its files in runs/coexploration, named after the card, or in --workdir=DIR.
"""

import sys

from absl import flags
from ml_collections import config_flags

from dna_jax.runs import binary
from dna_jax.runs.coexplore import run_coexploration
from dna_jax.runs.coexplore_config import CoexploreConfig
from dna_jax.runs.coexplore_picture import coexplore_table
from dna_jax.runs.config import from_mapping


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", None, "Run card, FILE or FILE:variant.")
    flags.DEFINE_string(
        "workdir",
        None,
        "Directory of the run; resumed if it holds one of this configuration. By default runs/NAME or runs/NAME_VARIANT in "
        "the current folder, after the file of the card.",
    )
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")


def main() -> None:
    """Run the job that the flags describe."""
    config = from_mapping(CoexploreConfig, binary.run_card(example="coexploration.py"))
    workdir = flags.FLAGS.workdir or binary.card_folder()
    summary = run_coexploration(config, workdir, flags.FLAGS.data_dir)
    print(coexplore_table(summary, workdir))
    sys.stdout.flush()


if __name__ == "__main__":
    binary.run(main, define_flags)
