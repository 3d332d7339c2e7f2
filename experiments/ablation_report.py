"""Figures, table and picture of what each searched part of a pipeline is worth."""

import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

Rows = Sequence[dict[str, Any]]
"""Of an ablation: held, at, mean_percent, least_percent, feasible, networks, percent; and what columns are for."""


def summary(percent: Collection[float]) -> dict[str, Any]:
    """Mean and least percent over the networks for which something fits, and how many these are."""
    fitting = [value for value in percent if value > 0]
    return {
        "mean_percent": float(np.mean(fitting)) if fitting else None,
        "least_percent": min(fitting, default=None),
        "feasible": len(fitting),
        "networks": len(percent),
    }


def _cell(row: dict[str, Any]) -> str:
    """Mean, in brackets the least; how many networks fit where some do not."""
    if row["mean_percent"] is None:
        return "nothing fits"
    text = f"{row['mean_percent']:.1f} ({row['least_percent']:.1f})"
    if "deviation_over_seeds" in row:
        text += f", ± {row['deviation_over_seeds']:.1f} over seeds"
    return text if row["feasible"] == row["networks"] else f"{text}, {row['feasible']} of {row['networks']}"


def table(rows: Rows, by: str, titles: Mapping[str, str]) -> str:
    """Markdown: a line for what is held and at what, a column for each value of `by`, titled by it."""
    lines = list(dict.fromkeys((row["held"], row["at"]) for row in rows))
    cells = {(row["held"], row["at"], row[by]): _cell(row) for row in rows}
    head = ["held", "at", *titles.values()]
    body = [[held, at, *(cells[held, at, column] for column in titles)] for held, at in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in [head, ["---"] * len(head), *body])


def plot(rows: Rows, by: str, titles: Mapping[str, str], measure: str, path: pathlib.Path) -> None:
    """Bars of means with every network as a mark, a panel for each value of `by`, titled by it; the axis shows `measure`."""
    # Another operand width makes another network, which may be better than the best of this one.
    shown = [row for row in rows if row["held"] not in ("nothing", "operand width")]
    bars = list(dict.fromkeys((row["held"], row["at"]) for row in shown))
    groups = list(dict.fromkeys(held for held, _ in bars))
    kinds = list(dict.fromkeys(at for _, at in bars))
    # A bar takes one unit of height, and half of one parts the groups.
    places = {bar: index + groups.index(bar[0]) / 2 for index, bar in enumerate(bars)}
    figure = Figure(figsize=(4 * len(titles) + 3, 0.21 * len(bars) + 3), layout="constrained")
    panels = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    for axes, (column, title) in zip(panels, titles.items(), strict=True):
        for row in (row for row in shown if row[by] == column):
            y, colour = places[row["held"], row["at"]], f"C{kinds.index(row['at'])}"
            fitting = [value for value in row["percent"] if value > 0]
            axes.barh(y, row["mean_percent"] or 0, 0.85, color=colour, alpha=0.45)
            axes.plot(fitting, [y] * len(fitting), "|", color=colour, markersize=5)
            if row["feasible"] < row["networks"]:
                text = f"fits {row['feasible']} of {row['networks']}" if fitting else "nothing fits"
                axes.text(max(fitting, default=0) + 2, y, text, va="center", fontsize=7, color="0.3")
        axes.set(title=title, xlabel=measure, xlim=(0, 102))
        axes.grid(axis="x", alpha=0.3)
    middles = [[place for bar, place in places.items() if bar[0] == group] for group in groups]
    panels[0].set_yticks([sum(middle) / len(middle) for middle in middles], groups)
    panels[0].invert_yaxis()
    panels[0].margins(y=0.01)
    handles = [Patch(color=f"C{index}", alpha=0.45) for index in range(len(kinds))]
    figure.legend(handles, kinds, loc="outside lower center", ncols=3, title="what is held (left), and whose it is")
    figure.savefig(path, dpi=110)
