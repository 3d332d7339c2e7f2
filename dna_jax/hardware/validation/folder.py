"""Validation of a folder: every table that it holds, by file name."""

import collections
import csv
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax

from dna_jax.errors import UserError
from dna_jax.hardware.validation import (
    cacti,
    dosa,
    fpga_layers,
    fpga_systems,
    gemmini_rtl,
    maestro,
    nahas,
    scalesim,
    silicon,
    timeloop,
    zigzag,
    zigzag_edge,
)
from dna_jax.hardware.validation.statistics import compare
from dna_jax.hardware.validation.table import Context, Row, TableResult

READERS: dict[str, Callable[[Sequence[Row], Context], TableResult]] = {
    "scalesim_compute.csv": scalesim.evaluate,
    "dosa_timeloop.csv": dosa.evaluate,
    "zigzag.csv": zigzag.evaluate,
    "zigzag_edge.csv": zigzag_edge.evaluate,
    "timeloop.csv": timeloop.evaluate,
    "maestro.csv": maestro.evaluate,
    "silicon_eyeriss_per_layer.csv": silicon.evaluate,
    "cacti_sram.csv": cacti.evaluate,
    "dosa_gemmini_rtl.csv": gemmini_rtl.evaluate,
    "nahas_table3.csv": nahas.evaluate,
    "dna_layer_cycles.csv": fpga_layers.evaluate_released,
    "dna_corrected_layers.csv": fpga_layers.evaluate_corrected,
    "dna_layers.csv": fpga_systems.evaluate_expansion,
    "dna_system.csv": fpga_systems.evaluate_systems,
}
"""File name -> what evaluates the table."""


def _rows(path: pathlib.Path) -> list[Row]:
    """Rows by column; a cell that is missing is empty, one too many is dropped."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [{k: v or "" for k, v in row.items() if k is not None} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The table {path} cannot be read as CSV ({error}).") from error


Reader = Callable[[Sequence[Row], Context], TableResult]


def validate_folder(
    folder: pathlib.Path, context: Callable[[pathlib.Path], Context], others: Mapping[str, Reader] | None = None
) -> Iterator[tuple[str, TableResult]]:
    """Each table below a folder, in the order of READERS, with what became of it; then those without a reader.

    Args:
      folder: of tables.
      context: for the readers of the tables of a folder.
      others: readers of tables that need more than the hardware model, by file name.

    Tables go by the name of their file, or by their path in the folder where several files have one name.

    Raises:
      UserError: if a file cannot be read, before any table is evaluated.
    """
    paths = sorted(folder.rglob("*.csv"))
    count = collections.Counter(path.name for path in paths)
    readers = READERS | dict(others or {})
    order = list(readers)
    paths.sort(key=lambda path: order.index(path.name) if path.name in readers else len(order))
    for path, rows in [(path, _rows(path)) for path in paths]:
        name = path.name if count[path.name] == 1 else str(path.relative_to(folder))
        if path.name not in readers:
            names = [f"line {index + 2}" for index in range(len(rows))]
            yield name, TableResult(len(rows), [], 0, {"no reader for this table": names} if rows else {})
            continue
        with jax.enable_x64(True):
            yield name, readers[path.name](rows, context(path.parent))


def as_json(result: TableResult) -> dict:
    """The entry of a table in the report file."""
    configurations: dict[str, dict] = {}
    for comparison in result.comparisons:
        figures = compare(comparison.reference, comparison.predicted, comparison.macs)
        configurations.setdefault(comparison.configuration, {})[comparison.quantity] = figures
    return {
        "rows": result.rows,
        "evaluated": result.evaluated,
        "skipped": {reason: len(names) for reason, names in result.skipped.items()},
        "skipped_rows": result.skipped,
        "notes": result.notes,
        "configs": configurations,
    }
