"""Networks of the DNA space stated in a file: operations and bits of every block, by name."""

import dataclasses
import json
import pathlib
from typing import Any

from dna_jax.errors import UserError
from dna_jax.networks.dna import DnaSpecification, dna_network, edd_network
from dna_jax.networks.dna_layers import dna_layers, released_layers
from dna_jax.spaces import OPERATIONS, SKIP
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class StatedNetwork:
    """One network.

    Attributes:
      identifier: number in its file, by which tables refer to it.
      name: for people.
      plan: "cifar", "imagenet" or "edd".
      operations: one per block.
      bits: one per block.
    """

    identifier: str
    name: str
    plan: str
    operations: tuple[str, ...]
    bits: tuple[int, ...]

    def specification(self, as_released: bool = False) -> DnaSpecification:
        """The family it belongs to, with the channels of the release if `as_released`."""
        return edd_network(as_released) if self.plan == "edd" else dna_network(self.plan, as_released=as_released)

    @property
    def layers(self) -> list[Layer]:
        """As they are."""
        return dna_layers(self.specification(), self.operations, self.bits)

    @property
    def released_layers(self) -> list[Layer]:
        """As the release of Auto-NBA lists them."""
        return released_layers(self.specification(as_released=True), self.operations, self.bits)

    @property
    def entry(self) -> dict[str, Any]:
        """As a file states it; `stated_network` reads it."""
        return {
            "net_id": self.identifier,
            "name": self.name,
            "family": self.plan,
            "ops": list(self.operations),
            "bits": list(self.bits),
        }

    def aligned(self) -> "StatedNetwork":
        """Without the bits of blocks that are skipped: the release then gives every other block its own."""
        bits = tuple(b for b, chosen in zip(self.bits, self.operations, strict=True) if chosen != SKIP)
        return dataclasses.replace(self, bits=bits)


def stated_network(entry: Any, source: str, position: int = 0) -> StatedNetwork:
    """The network of {"net_id", "name", "family", "ops", "bits"}, of which the first two may be left out.

    Args:
      entry: as JSON holds it.
      source: where it stands, for messages.
      position: among the networks of its source, in place of the name or number that it lacks.

    Raises:
      UserError: if the entry states no network.
    """
    try:
        plan, operations, bits = entry["family"], tuple(entry["ops"]), tuple(entry["bits"])
        name, identifier = str(entry.get("name", position)), str(entry.get("net_id", position))
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{source}: entry {position} lacks one of family, ops and bits.") from error
    if plan not in ("cifar", "imagenet", "edd"):
        raise UserError(f"{source}: network {name!r} has the family {plan!r}; choose cifar, imagenet or edd.")
    blocks = len(edd_network().blocks if plan == "edd" else dna_network(plan).blocks)
    unknown = [chosen for chosen in operations if chosen not in OPERATIONS]
    if unknown or len(operations) != blocks or len(bits) != blocks:
        raise UserError(
            f"{source}: network {name!r} needs {blocks} operations out of {', '.join(OPERATIONS)}, and as many bits."
        )
    if not all(isinstance(width, int) and 1 <= width <= 32 for width in bits):
        raise UserError(f"{source}: network {name!r} has bits other than whole numbers from 1 to 32.")
    return StatedNetwork(identifier, name, plan, operations, bits)


def network_entries(path: pathlib.Path) -> list[Any]:
    """The entries of a JSON file of networks, as they stand; UserError if it cannot be read."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read as a JSON file of networks ({error}).") from error
    return entries if isinstance(entries, list) else [entries]


def read_networks(path: pathlib.Path) -> list[StatedNetwork]:
    """The networks of a JSON file, a list of what `stated_network` reads.

    Raises:
      UserError: if the file cannot be read or an entry states no network.
    """
    return [stated_network(entry, str(path), position) for position, entry in enumerate(network_entries(path))]
