"""Which network a name means: a published one, the network of a finished run, or a model in an ONNX file."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from dna_jax.errors import UserError
from dna_jax.networks import FAMILIES, PUBLISHED, chosen_layers, published_layers
from dna_jax.spaces import PLANS, plan_for
from dna_jax.workload import Layer

NETWORKS = tuple(dict.fromkeys((*PUBLISHED, *FAMILIES)))
"""Names of networks of a published size."""


def layers_of_summary(path: pathlib.Path, size: Mapping[str, Any] | None = None) -> list[Layer]:
    """The layers of the network that a finished run found.

    Args:
      path: of its `summary.json`.
      size: arguments of its family, one of `networks.FAMILIES`: the decisions at another size; that of the run by default.

    Raises:
      UserError: if there is no such summary.
    """
    try:
        summary = json.loads(path.read_text())
        space = summary["space"]
        specification = FAMILIES[space["network_family"]](**(space["network_size"] if size is None else size))
        design = summary["network"]
        for name, options in specification.options.items():
            if design[name] not in options:
                raise UserError(f"The network {path} has {name} {design[name]!r}; choose one of {list(options)}.")
        return chosen_layers(specification, design)
    except OSError as error:
        raise UserError(f"The network {path} cannot be read ({error.strerror}).") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The network {path} is not the summary.json of a run ({error}).") from error
    except KeyError as error:
        raise UserError(f"The network {path} is not the summary.json of a finished run: it lacks {error}.") from error
    except (TypeError, ValueError) as error:
        raise UserError(f"The network {path} is not the summary.json of a finished run ({error}).") from error


def plan_of_summary(path: pathlib.Path) -> str:
    """The sizes of tiles that suit the network of a finished run, a key of `spaces.PLANS`; UserError if there are none."""
    try:
        plan = plan_for(json.loads(path.read_text())["space"]["network_size"]["stride_plan"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The network {path} is not the summary.json of a finished run ({error}).") from error
    if plan not in PLANS:
        raise UserError(f"The network {path} has the stride plan {plan!r}, for which there are no pipelines on FPGAs.")
    return plan


def network_layers(name: str) -> list[Layer]:
    """The layers of a network.

    Args:
      name: one of NETWORKS, or the path of a `summary.json` or of a model (`.onnx`).

    Raises:
      UserError: if there is no such network, or the file cannot be used.
    """
    if name in PUBLISHED:
        return published_layers(name)
    if name in FAMILIES:
        specification = FAMILIES[name]()
        return chosen_layers(specification, specification.default_design)
    path = pathlib.Path(name).expanduser()
    if path.suffix == ".json":
        return layers_of_summary(path)
    if path.suffix == ".onnx":
        # The extra `onnx` is needed only here.
        from dna_jax.networks.onnx_model import read_onnx

        return read_onnx(path)
    raise UserError(f"Unknown network {name!r}; choose one of {', '.join(NETWORKS)}, a summary.json or a model.onnx.")
