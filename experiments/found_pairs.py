"""Pairs of network and accelerator that finished co-search runs found: beside the default network of the same run, and what
they chose in the blocks of the DNA space at the size of published networks."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from dna_jax.errors import UserError
from dna_jax.networks import dna_network
from dna_jax.runs.priced_network import layers_of_summary
from dna_jax.workload import Layer

IMAGENET = {"stride_plan": "imagenet"}
"""Arguments of the family of the DNA space: 224 x 224 pixels, 1000 classes, full width."""


def read_pair(folder: pathlib.Path) -> dict[str, Any]:
    """What the `summary.json` of a run says of the pair found and of its default network.

    Returns:
      run (name of the folder), data, space, network_family; accuracy_percent and default_accuracy_percent on that data's
      test images, the latter None if the default network was not trained; found, default and default_best, figures of cost
      by the names of `runs.units`: of the pair found, of the default network on the baseline accelerator, and of it on the
      best found for it within the device or area, None where none was sought.

    Raises:
      UserError: if there is no summary of a finished run.
    """
    try:
        summary = json.loads((folder / "summary.json").read_text())
        accuracy = summary["accuracy"]
        default = accuracy["baseline"]
        return {
            "run": folder.resolve().name,
            "data": summary["data"]["name"],
            "space": summary["space"]["name"],
            "network_family": summary["space"]["network_family"],
            "accuracy_percent": 100 * accuracy["final"],
            "default_accuracy_percent": None if default is None else 100 * default,
            "found": summary["cost"],
            "default": summary["baseline"],
            # Runs on templates seek none.
            "default_best": summary.get("published_best"),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"--runs: {folder} holds no summary.json of a finished co-search run ({error}).") from error


def read_pairs(folders: Sequence[pathlib.Path]) -> list[dict[str, Any]]:
    """The pairs of several runs, as in `read_pair`; UserError also where two folders have one name."""
    pairs = [read_pair(folder) for folder in folders]
    names = [pair["run"] for pair in pairs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--runs has two folders named {name}; runs are told apart by their names, so rename one.")
    return pairs


def at_imagenet_size(folders: Sequence[pathlib.Path]) -> dict[str, list[Layer]]:
    """The networks that runs of the DNA space found, their operations and widths of 22 blocks in the network of IMAGENET.

    They were searched, and trained, at the size of their run: no accuracy is known of them at this one.

    Returns:
      A name for each, which no published network has -> its layers.
    """
    return {
        f"{pair['run']}, found": layers_of_summary(folder / "summary.json", IMAGENET)
        for pair, folder in zip(read_pairs(folders), folders, strict=True)
        if pair["network_family"] == dna_network.__name__
    }
