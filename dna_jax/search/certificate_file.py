"""Certificates as files: whatever is needed to follow one stands in it, the network and the space included."""

import dataclasses
import json
import operator
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import Model
from dna_jax.networks import ListedNetwork, StatedNetwork, listed_network, stated_network
from dna_jax.search.certified import Certificate, Limits
from dna_jax.search.chunk_designs import Front
from dna_jax.search.recheck_front import equal
from dna_jax.spaces import Chunk, Space, as_released, fpga_pipeline_space
from dna_jax.workload import Layer

_CHOICES = {"model": ("released", "corrected"), "mode": ("fixed", "free"), "allocation": ("released", "searched")}


@dataclasses.dataclass(frozen=True)
class PipelineProblem:
    """What is optimised, but for the limits.

    Attributes:
      network: to run, stated by its operations or by its layers.
      model: of costs, "released" or "corrected".
      mode: of the chunks' computation: "fixed" to that of the release, or "free".
      allocation: which maps count as large: as "released", or "searched" too.
    """

    network: StatedNetwork | ListedNetwork
    model: Model = "corrected"
    mode: Literal["fixed", "free"] = "free"
    allocation: Literal["released", "searched"] = "released"

    @property
    def layers(self) -> Sequence[Layer]:
        """Of the network; UserError if no chunk runs any, or in the released model if they are stated one by one."""
        layers = self.network.released_layers if self.model == "released" else self.network.layers
        if not any(layer.weight_bits for layer in layers):
            raise UserError(
                f"The network {self.network.name!r} has no layer that a pipeline runs in the {self.model} model; state "
                "one that has layers with weights, operations other than skip."
            )
        return layers

    @property
    def space(self) -> Space:
        """Pipelines for the operand widths of the network, with what is held fixed."""
        plan, widths = self.network.plan, sorted({layer.weight_bits for layer in self.layers if layer.weight_bits})
        held = as_released(plan, widths, mode=self.mode == "fixed", allocation=self.allocation == "released")
        return fpga_pipeline_space(plan, widths).fix(held)


def as_json(problem: PipelineProblem, certificate: Certificate) -> dict[str, Any]:
    """A certificate of the optimum of a problem as a file holds it."""
    fronts = [
        {
            "chunk": chunk.name,
            "large_rows": boundary,
            "enumerated": front.enumerated,
            "cycles_dsp_bram": front.costs.tolist(),
            "designs": list(front.designs),
        }
        for (chunk, boundary), front in certificate.fronts.items()
    ]
    return {
        "network": problem.network.entry,
        "model": problem.model,
        "mode": problem.mode,
        "allocation": problem.allocation,
        "fps": certificate.fps,
        "cycles": certificate.cycles,
        "dsp": certificate.dsp,
        "bram": certificate.bram,
        "limits": {"dsp": certificate.limits.dsp, "bram": certificate.limits.bram},
        "bound_cycles": certificate.bound_cycles,
        "enumerated": certificate.enumerated,
        "design": certificate.design,
        "fronts": fronts,
    }


def _front(entry: dict[str, Any]) -> tuple[tuple[Chunk, int], Front]:
    key = Chunk.of(entry["chunk"]), operator.index(entry["large_rows"])
    costs = np.array(entry["cycles_dsp_bram"], float)
    return key, Front(costs, tuple(map(dict, entry["designs"])), operator.index(entry["enumerated"]))


def from_json(stated: Any, source: str) -> tuple[PipelineProblem, Certificate]:
    """A problem and its certificate, as `as_json` states them; whether it holds is for `recheck` to say.

    Args:
      stated: what a file holds.
      source: where it stands, for messages.

    Raises:
      UserError: if no certificate is stated, or one whose images a second are not those of its cycles.
    """
    try:
        for name, choices in _CHOICES.items():
            if stated[name] not in choices:
                raise UserError(f"{source} states the {name} {stated[name]!r}; choose one of {', '.join(choices)}.")
        read = listed_network if "layers" in stated["network"] else stated_network
        problem = PipelineProblem(read(stated["network"], source), stated["model"], stated["mode"], stated["allocation"])
        fronts = [_front(entry) for entry in stated["fronts"]]
        certificate = Certificate(
            cycles=None if stated["cycles"] is None else float(stated["cycles"]),
            design=None if stated["design"] is None else dict(stated["design"]),
            dsp=float(stated["dsp"]),
            bram=float(stated["bram"]),
            limits=Limits(float(stated["limits"]["dsp"]), float(stated["limits"]["bram"])),
            bound_cycles=float(stated["bound_cycles"]),
            fronts=dict(fronts),
            enumerated=operator.index(stated["enumerated"]),
        )
        fps = float(stated["fps"])
    except KeyError as error:
        raise UserError(f"{source} is no certificate, for it does not state {error}.") from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{source} is no certificate ({error}).") from error
    if len(fronts) != len(certificate.fronts):
        raise UserError(f"{source} states two fronts of one chunk.")
    if not equal(fps, certificate.fps):
        raise UserError(f"{source} states {fps:g} images a second, where its cycles make {certificate.fps:g}.")
    return problem, certificate


def read_certificate(path: pathlib.Path) -> tuple[PipelineProblem, Certificate]:
    """The problem and the certificate of a JSON file, not yet checked; UserError as of `from_json`."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as a JSON file of a certificate ({error}).") from error
    return from_json(stated, str(path))
