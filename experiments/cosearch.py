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

_CONFIG = config_flags.DEFINE_config_file("config", None, "Run card, FILE or FILE:variant.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run; resumed if it holds one of this configuration.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
_FIX = flags.DEFINE_enum(
    "fix", None, ["network", "accelerator"], "Part held at its published value: the network, or the accelerator."
)


def main() -> None:
    """Run the job that the flags describe."""
    values = binary.run_card(_CONFIG)
    if not _WORKDIR.value:
        raise UserError("Pass --workdir=DIR, the directory in which the run keeps its files.")
    if _FIX.value:
        values["fix"] = _FIX.value
    summary = run(from_mapping(CosearchConfig, values), _WORKDIR.value, _DATA_DIR.value)
    print(summary_table(summary, _WORKDIR.value))
    sys.stdout.flush()


if __name__ == "__main__":
    binary.run(main)
