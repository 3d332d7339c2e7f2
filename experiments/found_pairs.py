"""Pairs of network and accelerator that finished co-search runs found, beside the default network of the same run."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from dna_jax.errors import UserError


def read_pair(folder: pathlib.Path) -> dict[str, Any]:
    """What the `summary.json` of a run says of the pair found and of its default network on the baseline accelerator.

    Returns:
      run (name of the folder), data, space; accuracy_percent and default_accuracy_percent on that data's test images, the
      latter None if the default network was not trained; found and default, figures of cost by the names of `runs.units`.

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
            "accuracy_percent": 100 * accuracy["final"],
            "default_accuracy_percent": None if default is None else 100 * default,
            "found": summary["cost"],
            "default": summary["baseline"],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"--runs: {folder} holds no summary.json of a finished co-search run ({error}).") from error


def read_pairs(folders: Sequence[str]) -> list[dict[str, Any]]:
    """The pairs of several runs, as in `read_pair`."""
    return [read_pair(pathlib.Path(folder).expanduser()) for folder in folders]
