"""Table and picture of gradient estimators beside random search, against the proven optimum."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Rows = Sequence[dict[str, Any]]
"""Of `experiments.benchmark_pipeline_search`, table "estimators"."""

_DRAWN = {False: "best drawn", True: "recombined"}

_NEAREST = 0.01
"""Distances to the optimum below this, in percent, are drawn here."""

_STYLES = {
    # Colours of Okabe and Ito, which people with any kind of colour vision tell apart.
    "published": ("#D55E00", "s", "-."),
    "straight_through": ("#0072B2", "^", "-"),
    "gumbel_rao": ("#009E73", "v", "--"),
    "reinforce": ("#000000", "o", "-"),
    "reinforce, every chunk from the whole": ("#999999", "D", "--"),
    "expectation": ("#CC79A7", "P", ":"),
    "random": ("#E69F00", "x", ":"),
}
"""Colour, marker and line of every method."""


def method(row: dict[str, Any]) -> str:
    """What a row measures, in words."""
    return row["estimator"] + ("" if row["by_chunk"] else ", every chunk from the whole")


def _cells(evaluations: dict[str, Any], time: dict[str, Any]) -> list[str]:
    """Percent of the optimum at equal evaluations and at equal time, and the evaluations that 95 % take."""
    needed, cells = evaluations["evaluations_to_95_percent"], []
    for row in (evaluations, time):
        feasible = "" if row["feasible_share"] == 1 else f", {100 * row['feasible_share']:.0f} % feasible"
        cells.append(f"{row['mean_percent']:.1f} ({row['least_percent']:.0f}){feasible}")
    return [*cells, "not reached" if needed is None else f"{needed:,.0f}"]


def table(rows: Rows) -> str:
    """Markdown: a line for every method, without and with recombination of chunks."""
    found = {(method(row), row["recombined"], row["equal"]): row for row in rows}
    what = ("equal evaluations", "equal time", "evaluations to 95 %")
    head = ["estimator", "learning rate", *(f"{name}, {column}" for name in _DRAWN.values() for column in what), "s per run"]
    lines = [head, ["---"] * len(head)]
    for name in dict.fromkeys(method(row) for row in rows):
        cells = [cell for kind in _DRAWN for cell in _cells(*(found[name, kind, e] for e in ("evaluations", "time")))]
        drawn = found[name, False, "evaluations"]
        rate = "-" if drawn["learning_rate"] is None else f"{drawn['learning_rate']:g}"
        lines.append([name, rate, *cells, f"{drawn['seconds_per_run']:.2f}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _draw(axes: Axes, row: dict[str, Any], total: float) -> None:
    """Distance to the optimum of one method, up to a total of evaluations or seconds."""
    colour, marker, line = _STYLES[method(row)]
    steps = len(row["curve"])
    spent = np.arange(1, steps + 1) * total / steps
    distance = np.maximum(100 - np.array(row["curve"]), _NEAREST)
    # Markers at equal distances along a logarithmic axis.
    marked = np.unique(np.searchsorted(spent, np.geomspace(spent[0], spent[-1], 8))).clip(max=steps - 1)
    style = {"color": colour, "marker": marker, "linestyle": line, "markersize": 4.5, "linewidth": 1.3}
    axes.plot(spent, distance, label=method(row), markevery=list(marked), **style)


def plot(rows: Rows, path: pathlib.Path) -> None:
    """Distance to the optimum against pipelines priced and against seconds, without and with recombination of chunks."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    panels = figure.subplots(2, 2, sharex="col", sharey="row")
    budgets = {"evaluations": ("evaluations", "pipelines priced"), "time": ("seconds_per_run", "seconds of a run")}
    for below, (recombined, drawn) in zip(panels, _DRAWN.items(), strict=True):
        for axes, (equal, (total, label)) in zip(below, budgets.items(), strict=True):
            for row in (row for row in rows if row["equal"] == equal and row["recombined"] == recombined):
                _draw(axes, row, row[total])
            axes.axhline(5, color="0.5", linewidth=0.8)
            axes.text(0.01, 5, "95 % of the optimum", transform=axes.get_yaxis_transform(), va="bottom", fontsize=8)
            axes.set(xscale="log", yscale="log", title=f"{drawn}, at equal {equal}")
            axes.grid(alpha=0.3, which="major")
            if recombined:
                axes.set(xlabel=label)
        below[0].set(ylabel="distance to the proven optimum\n(% of its images a second)")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=120)
