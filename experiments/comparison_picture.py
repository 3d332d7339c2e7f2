"""Picture of a comparison of searches: their accuracies seed by seed, and what the networks found cost."""

import pathlib
import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure

_COSTS = {"fps": ("images/s", 1), "latency_ms": ("latency (us)", 1000)}
"""What accuracy is drawn against, the first that all runs have: title with unit, and what it is multiplied by."""


def draw(comparison: dict[str, Any], path: pathlib.Path) -> None:
    """Draw a `comparison.json`: on the left a dot for every run, those of one seed joined, and a bar for the mean; on the
    right accuracy against cost.

    Runs that miss a budget are hollow.

    Args:
      comparison: as `experiments.compare` writes it.
      path: of the PNG file.
    """
    searches = {name: own for name, own in comparison["searches"].items() if own}
    runs = [run for own in searches.values() for run in own]
    cost, (title, scale) = next((name, shown) for name, shown in _COSTS.items() if all(name in run for run in runs))
    # Every search has room for its name.
    widths = max(6.0, 0.95 * len(searches)), 6.5
    figure = Figure(figsize=(sum(widths), 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    accuracies = {name: [100 * run["accuracy"] for run in own] for name, own in searches.items()}
    for seed in sorted({run["seed"] for run in runs}):
        found = [[100 * run["accuracy"] for run in own if run["seed"] == seed] or [np.nan] for own in searches.values()]
        left.plot(range(len(searches)), [values[0] for values in found], color="0.8", linewidth=1, zorder=0)
    for number, (name, own) in enumerate(searches.items()):
        colour, values = f"C{number}", accuracies[name]
        faces = [colour if run["feasible"] else "none" for run in own]
        left.scatter([number] * len(own), values, c=faces, edgecolors=colour)
        left.plot([number - 0.2, number + 0.2], [np.mean(values)] * 2, color=colour, linewidth=3)
        right.scatter([scale * run[cost] for run in own], values, c=faces, edgecolors=colour, label=name)
    left.set_xticks(range(len(searches)), [textwrap.fill(name, 12) for name in searches], fontsize=8)
    left.set(ylabel="test accuracy (%)", xlim=(-0.5, len(searches) - 0.5), title="Accuracy; lines join runs of one seed")
    right.set(xlabel=title, title="Accuracy against cost")
    right.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    for axes in (left, right):
        axes.grid(alpha=0.25)
    figure.savefig(path, dpi=120)
