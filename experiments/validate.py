"""Check the hardware cost model against reference tables of independent tools, RTL and silicon.

python -m experiments.validate --tables=DIR --out=FILE.json
"""

import json
import pathlib
import time

import jax
import jax.numpy as jnp
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import Accelerator
from dna_jax.hardware.description import read_accelerator
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.validation import Context, TableResult, as_json, validate_folder
from dna_jax.hardware.validation.report import markdown, scatter
from dna_jax.networks import (
    Specification,
    StatedNetwork,
    chosen_layers,
    efficientnet_b0,
    efficientnet_b1,
    mnasnet_b1,
    mobilenet_v2,
    read_networks,
)
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import optimum_reader
from dna_jax.spaces import as_released
from dna_jax.workload import Layer
from experiments import benchmark_output

NETWORKS = {
    "MobileNetV2": mobilenet_v2,
    "Mnasnet-B1": mnasnet_b1,
    "EfficientNet-B0": efficientnet_b0,
    "EfficientNet-B1": efficientnet_b1,
}
"""Names as in the result table of NAHAS."""


def _layers(specification: Specification) -> list[Layer]:
    return chosen_layers(specification, specification.default_design)


def stated_networks(folder: pathlib.Path) -> dict[str, StatedNetwork]:
    """The networks of `dna_networks.json` beside the tables, by number; UserError if a file cannot be used."""
    return {
        network.identifier: network for path in sorted(folder.rglob("dna_networks.json")) for network in read_networks(path)
    }


def context(folder: pathlib.Path) -> Context:
    """The networks we know, those stated, and the accelerators described in `architectures/*.yaml` beside the tables.

    Raises:
      UserError: if a description cannot be used, or two have one name.
    """
    descriptions: dict[str, Accelerator] = {}
    with jax.enable_x64(True):
        for path in sorted(path for ending in ("yaml", "yml") for path in folder.rglob(f"architectures/*.{ending}")):
            accelerator = read_accelerator(path, jnp.float64)
            if accelerator.name in descriptions:
                raise UserError(f"{path}: another description in {folder} has the name {accelerator.name!r} too.")
            descriptions[accelerator.name] = accelerator
    stated = {
        name: (network.released_layers, as_released(network.plan)) for name, network in stated_networks(folder).items()
    }
    return Context(descriptions, {name: _layers(network()) for name, network in NETWORKS.items()}, stated)


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("tables", str(THIRD_PARTY), "Folder of reference tables; default: those that come with the project.")
    flags.DEFINE_string("plots", None, "PNG file to draw the scatter plots into; default: beside --out.")
    benchmark_output.define_out_flag()


def main() -> None:
    """Evaluate every table and report."""
    out = binary.output_file("out")
    plots = binary.output_file("plots", default=out and str(out.with_suffix(".png")))
    folder = pathlib.Path(flags.FLAGS.tables).expanduser()
    if not folder.is_dir():
        raise UserError(f"--tables={folder} is no folder; name one that holds reference tables.")
    results: dict[str, TableResult] = {}
    began = time.perf_counter()
    others = {"dna_optimum.csv": optimum_reader(stated_networks(folder))}
    for name, result in validate_folder(folder, context(folder), others):
        results[name] = result
        print(f"{name}: {result.evaluated} of {result.rows} rows, {time.perf_counter() - began:.0f} s", flush=True)
    if not results:
        raise UserError(f"--tables={folder} holds no table (*.csv).")
    print()
    print(markdown(results))
    if out:
        report = {name: as_json(result) for name, result in results.items()}
        write_whole(out, json.dumps(report, indent=1, allow_nan=False) + "\n")
    if plots:
        scatter(results, plots)


if __name__ == "__main__":
    binary.run(main, define_flags)
