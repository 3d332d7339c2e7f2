"""Price a network on an accelerator, layer by layer.

python -m experiments.cost --network=mobilenet_v2 --accelerator=my_chip.yaml --csv=FILE.csv
"""

import pathlib

import jax
import jax.numpy as jnp
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import ACCELERATORS, Accelerator
from dna_jax.hardware.description import read_accelerator
from dna_jax.runs import binary
from dna_jax.runs.cost_table import as_csv, as_text, price_network
from dna_jax.runs.directory import write_whole
from dna_jax.runs.priced_network import NETWORKS, network_layers


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    networks = ", ".join(NETWORKS)
    flags.DEFINE_string("network", "mobilenet_v2", f"A published network ({networks}), RUN/summary.json or model.onnx.")
    flags.DEFINE_string("accelerator", "nahas_edge", "A template, or a YAML file of levels and fan-outs.")
    flags.DEFINE_string("csv", None, "CSV file to write, with the mapping of each layer.")


def accelerator(name: str) -> Accelerator:
    """The accelerator that a name or path means, in float64; UserError if there is none."""
    if name in ACCELERATORS:
        return ACCELERATORS[name](dtype=jnp.float64)
    if pathlib.Path(name).suffix in (".yaml", ".yml"):
        return read_accelerator(pathlib.Path(name).expanduser(), jnp.float64)
    raise UserError(f"Unknown accelerator {name!r}; choose one of {', '.join(ACCELERATORS)}, or a .yaml file.")


def main() -> None:
    """Price, print and write."""
    target = binary.output_file("csv")
    layers = network_layers(flags.FLAGS.network)
    with jax.enable_x64(True):
        table = price_network(accelerator(flags.FLAGS.accelerator), layers)
    print(as_text(table))
    if target:
        write_whole(target, as_csv(table))


if __name__ == "__main__":
    binary.run(main, define_flags)
