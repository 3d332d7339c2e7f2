"""Search a network and an accelerator together.

python -m experiments.cosearch --config=experiments/configs/digits.py

The run keeps its files in runs/digits, named after the card (runs/digits_smoke for digits.py:smoke), or in --workdir=DIR.
"""

import sys

from absl import flags
from ml_collections import config_flags

from dna_jax.runs import binary
from dna_jax.runs.config import CosearchConfig
from dna_jax.runs.cosearch import run
from dna_jax.runs.progress import say
from dna_jax.runs.put_back import configured
from dna_jax.runs.table import summary_table
from dna_jax.runs.unread import value_at


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
    flags.DEFINE_enum(
        "fix", None, ["network", "accelerator"], "Part held at its published value: the network, or the accelerator."
    )


def main() -> None:
    """Run the job that the flags describe."""
    values = binary.run_card()
    if flags.FLAGS.fix:
        values["fix"] = flags.FLAGS.fix
    config, put_back = configured(values, config_flags.get_override_values(flags.FLAGS["config"]))
    if put_back:
        changes = (f"{path} from {value} to {value_at(CosearchConfig, path)}" for path, value in put_back.items())
        say(f"Put back, for nothing reads it with fix={config.fix} and order={config.order}: {', '.join(changes)}.")
    workdir = flags.FLAGS.workdir or binary.card_folder()
    summary = run(config, workdir, flags.FLAGS.data_dir)
    print(summary_table(summary, workdir))
    sys.stdout.flush()


if __name__ == "__main__":
    binary.run(main, define_flags)
