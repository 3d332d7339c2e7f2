"""Networks stated layer by layer, for what takes any network and writes it into a file."""

import dataclasses
from typing import Any

from dna_jax.errors import UserError
from dna_jax.spaces import PLANS
from dna_jax.workload import Layer


def _is_plain(name: str, value: Any) -> bool:
    """Whether a field of a layer is of its kind: a name, or a whole number, in whose place some fields may have none."""
    if name == "name":
        return isinstance(value, str)
    return (value is None and name in ("input_rows", "input_columns")) or (
        isinstance(value, int) and not isinstance(value, bool) and value >= (0 if name.endswith("_bits") else 1)
    )


@dataclasses.dataclass(frozen=True)
class ListedNetwork:
    """One network.

    Attributes:
      name: for people.
      plan: a key of `spaces.PLANS`, by which pipelines have sizes of tiles.
      layers: in order.
    """

    name: str
    plan: str
    layers: tuple[Layer, ...]

    @property
    def released_layers(self) -> list[Layer]:
        """UserError: the release of Auto-NBA lists networks of its own space alone."""
        raise UserError(
            f"The network {self.name!r} is stated by its layers, which the released model does not know; take the corrected "
            "model."
        )

    @property
    def entry(self) -> dict[str, Any]:
        """As a file states it; `listed_network` reads it. What layers leave at its default is left out."""
        defaults = {field.name: field.default for field in dataclasses.fields(Layer)}
        layers = [{k: v for k, v in vars(layer).items() if v != defaults[k]} for layer in self.layers]
        return {"name": self.name, "family": self.plan, "layers": layers}


def listed_network(entry: Any, source: str) -> ListedNetwork:
    """The network of {"name", "family", "layers"}, each layer the fields of `Layer`.

    Args:
      entry: as JSON holds it.
      source: where it stands, for messages.

    Raises:
      UserError: if the entry states no network.
    """
    try:
        name, plan, stated = str(entry["name"]), entry["family"], list(entry["layers"])
        for fields in stated:
            wrong = [key for key, value in fields.items() if not _is_plain(key, value)]
            if wrong:
                raise UserError(
                    f"{source}: a layer of the network {name!r} has the {wrong[0]} {fields[wrong[0]]!r}; give a name "
                    "or a whole number."
                )
        layers = tuple(Layer(**fields) for fields in stated)
    except KeyError as error:
        raise UserError(f"{source}: the network lacks {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{source} states no network by its layers ({error}).") from error
    if plan not in PLANS:
        raise UserError(f"{source}: network {name!r} has the family {plan!r}; choose one of {', '.join(PLANS)}.")
    return ListedNetwork(name, plan, layers)
