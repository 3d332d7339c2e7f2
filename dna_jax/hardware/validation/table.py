"""What every reader of a reference table shares: rows sorted by configuration, rows left out with a reason, comparisons."""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.validation.released_network import ReleasedNetwork
from dna_jax.workload import Layer

Row = Mapping[str, str]


class SkippedRow(Exception):
    """A row that cannot be evaluated; the message is the reason, the same for all rows of its kind."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One quantity over the rows of one configuration.

    Attributes:
      configuration: accelerator with its sizes and dataflow.
      quantity: "cycles", "energy", "area", "edp" or "latency".
      reference, predicted: [n].
      macs: [n], or None where the quantity has nothing to do with them.
      names: of the rows, n.
    """

    configuration: str
    quantity: str
    reference: np.ndarray
    predicted: np.ndarray
    macs: np.ndarray | None
    names: Sequence[str]


@dataclasses.dataclass
class TableResult:
    """What became of a table.

    Attributes:
      rows: of the table.
      comparisons: all of them.
      evaluated: rows that entered a comparison.
      skipped: reason -> names of the rows.
      notes: what a reader of the figures should know, a sentence each.
    """

    rows: int
    comparisons: list[Comparison]
    evaluated: int
    skipped: dict[str, list[str]]
    notes: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        named = [(comparison.configuration, comparison.quantity) for comparison in self.comparisons]
        if len(set(named)) < len(named):
            raise ValueError(f"Two comparisons have one name: {sorted(name for name in named if named.count(name) > 1)[0]}.")


@dataclasses.dataclass(frozen=True)
class Context:
    """What the readers of a folder's tables may use besides their rows.

    Attributes:
      descriptions: accelerators described beside the tables, by name.
      networks: name of a published network -> its layers.
      released_networks: of the tables of FPGA pipelines, by number.
    """

    descriptions: Mapping[str, Accelerator]
    networks: Mapping[str, Sequence[Layer]]
    released_networks: Mapping[str, ReleasedNetwork] = dataclasses.field(default_factory=dict)

    def description(self, *names: str, units: float | None = None) -> Accelerator | None:
        """The accelerator described under the first of the names that there is; None if there is none.

        Args:
          names: to look for.
          units: multiply-accumulate units that the row states, if it does.

        Raises:
          SkippedRow: if the description has another number of units.
        """
        found = next((self.descriptions[name] for name in names if name in self.descriptions), None)
        if found is not None and units is not None and float(found.architecture.macs) != units:
            raise SkippedRow(
                f"the description of {found.name!r} has {float(found.architecture.macs):.0f} units, not {units:.0f}"
            )
        return found

    def released_network(self, row: Row) -> ReleasedNetwork:
        """The network of a row.

        Raises:
          SkippedRow: if none of its number is known.
        """
        known = self.released_networks.get(row.get("net_id", ""))
        if known is None:
            raise SkippedRow("no dna_networks.json beside the table describes the network")
        return known


def row_name(index: int, row: Row) -> str:
    """Line of a row in its file (the header is line 1)."""
    return f"line {index + 2}"


def number(row: Row, column: str) -> float:
    """The positive number in a column.

    Raises:
      SkippedRow: if there is no such column or no positive number in it.
    """
    try:
        value = float(row[column])
    except KeyError as error:
        raise SkippedRow(f"column {column} is missing") from error
    except (TypeError, ValueError) as error:
        raise SkippedRow(f"column {column} holds no number") from error
    if not value > 0 or value == float("inf"):
        raise SkippedRow(f"column {column} holds no positive number")
    return value


def whole_number(row: Row, column: str) -> int:
    """The positive whole number in a column.

    Raises:
      SkippedRow: if there is no such column or something else in it.
    """
    value = number(row, column)
    if not value.is_integer():
        raise SkippedRow(f"column {column} holds no whole number")
    return int(value)


def operand_widths(row: Row, column: str = "precision_W_I_Opartial_Ofinal") -> dict[str, int]:
    """Widths of weights, inputs, partial sums and final outputs, written 8/8/16/8, as fields of a `Layer`.

    Raises:
      SkippedRow: if they are not four numbers of 4 to 32.
    """
    try:
        weight, inputs, partial, final = (int(part) for part in row.get(column, "").split("/"))
    except ValueError as error:
        raise SkippedRow(f"column {column} does not hold four widths") from error
    if not all(4 <= width <= 32 for width in (weight, inputs, partial, final)):
        raise SkippedRow("operands of widths other than 4 to 32 bits")
    return {"weight_bits": weight, "input_bits": inputs, "partial_bits": partial, "output_bits": final}


def names_with_sizes(keys: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Names of configurations: where several have one name, those of their sizes that differ are added."""
    names = []
    for name, sizes in keys:
        rivals = [other for rival, other in keys if rival == name]
        differing = [size for size in sizes if any(rival[size] != sizes[size] for rival in rivals)]
        names.append(" ".join([name, *(f"{size}={sizes[size]:g}" for size in differing)]))
    return names


def convolution(row: Row, **fields: Any) -> Layer:
    """The layer of a row with the columns C_in, C_out, H_out, K, stride and groups, and W_out where outputs are not square.

    Raises:
      SkippedRow: if a column does not hold what it should.
    """
    size = {name: whole_number(row, name) for name in ("C_in", "C_out", "H_out", "K", "stride", "groups")}
    width = whole_number(row, "W_out") if row.get("W_out") else size["H_out"]
    try:
        return Layer(
            "row",
            K=size["C_out"],
            C=size["C_in"],
            P=size["H_out"],
            Q=width,
            R=size["K"],
            S=size["K"],
            stride=size["stride"],
            groups=size["groups"],
            **fields,
        )
    except ValueError as error:
        raise SkippedRow("groups do not divide the channels") from error


@dataclasses.dataclass(frozen=True)
class SortedRows:
    """Rows that could be read, by configuration.

    Attributes:
      groups: configuration -> (index in the table, what the reader made of the row) of each row.
      skipped: reason -> names of the rows.
    """

    groups: dict[Any, list[tuple[int, Any]]]
    skipped: dict[str, list[str]]


def sort_rows(rows: Sequence[Row], read: Callable[[Row], tuple[Any, Any]]) -> SortedRows:
    """Rows by the configuration that `read` gives with each; rows of a status other than "ok" are left out."""
    groups: dict[Any, list[tuple[int, Any]]] = collections.defaultdict(list)
    skipped: dict[str, list[str]] = collections.defaultdict(list)
    for index, row in enumerate(rows):
        try:
            if row.get("status", "ok") not in ("ok", "read"):
                raise SkippedRow(f"status {row['status']}")
            configuration, content = read(row)
            groups[configuration].append((index, content))
        except SkippedRow as reason:
            skipped[str(reason)].append(row_name(index, row))
    return SortedRows(dict(groups), dict(skipped))
