"""A card with one part fixed, or one part after the other: what nothing then reads of it is put back to its default.

A card is written for the search that it describes. Whoever takes a part out of that search need not know which options
belong to it; whoever sets such an option along with the choice is told that it has no effect.
"""

from collections.abc import Collection, Mapping
from typing import Any

from ml_collections import config_dict

from dna_jax.runs.config import CosearchConfig, CosearchOptions, from_mapping
from dna_jax.runs.unread import unread, value_at


def configured(values: Mapping[str, Any], given: Collection[str]) -> tuple[CosearchConfig, dict[str, Any]]:
    """The configuration of a card, and the values that were put back in it, by paths of fields.

    Args:
      values: of the card, with `fix` and `order` as chosen.
      given: paths of fields that were set along with that choice, which are not put back; nor is what nothing would read
        with any choice.

    Raises:
      UserError: as `from_mapping` has it.
    """
    card = config_dict.ConfigDict(dict(values), type_safe=False)

    def unread_with(**choice: str) -> list[str]:
        return list(unread(from_mapping(CosearchOptions, card.to_dict() | choice)))

    kept = {*given, *unread_with(fix="none", order="joint")}
    put_back: dict[str, Any] = {}
    # What is put back may have been all that read another option.
    while paths := [path for path in unread_with() if path not in kept]:
        put_back |= {path: value_at(card, path) for path in paths}
        card.update_from_flattened_dict({path: value_at(CosearchConfig, path) for path in paths})
    return from_mapping(CosearchConfig, card.to_dict()), put_back
