"""The figures of a validation for people: a Markdown table and scatter plots."""

import pathlib
from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, MaxNLocator, NullFormatter, NullLocator

from dna_jax.hardware.validation.statistics import compare
from dna_jax.hardware.validation.table import TableResult

_COLUMNS = (
    ("n", "rows", "{:d}"),
    ("mean_abs_pct", "mean error (%)", "{:.3g}"),
    ("median_abs_pct", "median (%)", "{:.3g}"),
    ("p95_abs_pct", "95th percentile (%)", "{:.3g}"),
    ("bias_pct", "bias (%)", "{:+.3g}"),
    ("kendall_tau", "Kendall tau", "{:.3f}"),
    ("macs_mean_abs_pct", "MACs alone: mean (%)", "{:.3g}"),
    ("macs_kendall_tau", "MACs alone: tau", "{:.3f}"),
)
"""Statistic, heading, format."""

_MARKERS = "osv^D<>pP*X"


def markdown(results: Mapping[str, TableResult]) -> str:
    """One row per table, configuration and quantity; below, what was left out and what to know."""
    headings = ["table", "configuration", "quantity", *(heading for _, heading, _ in _COLUMNS)]
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    remarks = []
    for table, result in results.items():
        for comparison in result.comparisons:
            figures = compare(comparison.reference, comparison.predicted, comparison.macs)
            cells = ["" if figures[name] is None else form.format(figures[name]) for name, _, form in _COLUMNS]
            lines.append("| " + " | ".join([table, comparison.configuration, comparison.quantity, *cells]) + " |")
        skipped = [f"{len(names)} rows left out: {reason}" for reason, names in result.skipped.items()]
        remarks += [f"- {table}: {remark}." for remark in (*skipped, *result.notes)]
    return "\n".join([*lines, "", *remarks, ""])


def _shown_quantity(result: TableResult) -> str:
    """The first quantity of a table that differs from row to row; the first of all where none does."""
    varied = (c.quantity for c in result.comparisons if len(np.unique(c.reference)) > 1)
    return next(varied, result.comparisons[0].quantity)


def _label_ticks(axes: Axes, low: float, high: float) -> None:
    """Labels of both logarithmic axes, few enough that none meets another.

    Within a decade they stand at equal steps, within two at 1, 2 and 5, else at powers of ten.
    """
    narrow = high / low < 100
    for axis in (axes.xaxis, axes.yaxis):
        if high / low < 10:
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        else:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}") if narrow else LogFormatterSciNotation())
        axis.set_minor_formatter(NullFormatter())
        if narrow:
            axis.set_minor_locator(NullLocator())


def draw(results: Mapping[str, TableResult]) -> Figure:
    """Predicted against reference, log-log, a panel per table that was evaluated (its first quantity that varies), a marker
    per configuration."""
    shown = {table: result for table, result in results.items() if result.comparisons}
    columns = 3
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5.2 * columns, 4.6 * rows), layout="constrained")
    colors = matplotlib.colormaps["tab20"]
    for position, (table, result) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(rows, columns, position)
        quantity = _shown_quantity(result)
        chosen = [comparison for comparison in result.comparisons if comparison.quantity == quantity]
        for number, comparison in enumerate(chosen):
            axes.scatter(
                comparison.reference,
                comparison.predicted,
                s=14,
                alpha=0.6,
                marker=_MARKERS[number % len(_MARKERS)],
                color=colors(number % 20),
                label=comparison.configuration,
                linewidths=0,
            )
        axes.set(xscale="log", yscale="log", title=table, xlabel=f"reference {quantity}", ylabel=f"predicted {quantity}")
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color="black", linewidth=0.7)
        axes.set(xlim=(low, high), ylim=(low, high))
        _label_ticks(axes, low, high)
        # Above the diagonal, where few points lie.
        axes.legend(fontsize=7, loc="upper left")
    return figure


def scatter(results: Mapping[str, TableResult], path: pathlib.Path) -> None:
    """The picture of `draw` in a PNG file; none where no table was evaluated."""
    if any(result.comparisons for result in results.values()):
        draw(results).savefig(path, dpi=110)
