"""Check the hardware cost model against reference tables of independent tools, RTL and silicon.

python -m experiments.validate --tables=DIR --out=FILE.json
"""

import functools
import json
import pathlib
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import Accelerator
from dna_jax.hardware.description import read_accelerator
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.validation import Context, ReleasedNetwork, TableResult, as_json, validate_folder
from dna_jax.hardware.validation.report import markdown, scatter
from dna_jax.networks import (
    Specification,
    StatedNetwork,
    chosen_layers,
    efficientnet_b0,
    efficientnet_b1,
    mnasnet_b1,
    mobilenet_v2,
    network_entries,
    stated_network,
)
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import evaluate_optima
from dna_jax.workload import Layer
from experiments import benchmark_output

NETWORKS = {
    "MobileNetV2": mobilenet_v2,
    "Mnasnet-B1": mnasnet_b1,
    "EfficientNet-B0": efficientnet_b0,
    "EfficientNet-B1": efficientnet_b1,
}
"""Names as in the result table of NAHAS."""


STATED = "dna_networks.json"
"""File that states the networks of DNA's tables."""


def _layers(specification: Specification) -> list[Layer]:
    return chosen_layers(specification, specification.default_design)


def _released(network: StatedNetwork) -> ReleasedNetwork:
    return ReleasedNetwork(
        network.plan, network.operations, network.bits, network.released_layers, network.aligned().released_layers
    )


@functools.cache
def _stated_in(path: pathlib.Path) -> dict[str, ReleasedNetwork]:
    """The networks of a file, by number; those that cannot be used are left out, which is said.

    Raises:
      UserError: if the file cannot be read, or two networks have one number.
    """
    networks: dict[str, ReleasedNetwork] = {}
    for position, entry in enumerate(network_entries(path)):
        try:
            network = stated_network(entry, str(path), position)
        except UserError as error:
            print(f"left out: {error}", flush=True)
            continue
        if network.identifier in networks:
            raise UserError(f"{path}: two networks have the number {network.identifier}; give each its own.")
        networks[network.identifier] = _released(network)
    return networks


def _stated_beside(tables: pathlib.Path, folder: pathlib.Path) -> dict[str, ReleasedNetwork]:
    """The networks of the `dna_networks.json` nearest to some tables: in their folder, or one above it within `folder`."""
    above = [place for place in (tables, *tables.parents) if place == folder or folder in place.parents]
    nearest = next((place / STATED for place in above if (place / STATED).is_file()), None)
    return {} if nearest is None else _stated_in(nearest)


def context(folder: pathlib.Path) -> Callable[[pathlib.Path], Context]:
    """The networks we know, those stated beside tables, and the accelerators described in `architectures/*.yaml` below a
    folder, for the tables of any folder in it.

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
    networks = {name: _layers(network()) for name, network in NETWORKS.items()}
    return lambda tables: Context(descriptions, networks, _stated_beside(tables, folder))


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
    for name, result in validate_folder(folder, context(folder), {"dna_optimum.csv": evaluate_optima}):
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
