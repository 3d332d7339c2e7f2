"""Pictures of the benchmark of search strategies."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from dna_jax.benchmarks import Curve
from dna_jax.benchmarks.figures import NEAR
from experiments.search_report import Results

_COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999")
"""Of Okabe and Ito, which people with any kind of colour vision tell apart."""
_LINES = ("-", "--", ":")

_SPENT = {"queries": "accuracy queries", "evaluations": "designs priced", "seconds": "seconds of one search"}


def plot_curves(curves: Mapping[str, Mapping[str, Curve]], results: Results, path: pathlib.Path) -> None:
    """Mean distance to the optimum, with its 95 % interval, against queries, designs priced and seconds; a row a budget.

    Args:
      curves: strategy -> budget -> curve.
      results: with the optimum of each budget.
      path: PNG file.
    """
    budgets = results["budgets"]
    figure = Figure(figsize=(13, 2.7 * len(budgets) + 1.2), layout="constrained")
    panels = figure.subplots(len(budgets), 3, sharex="col", squeeze=False)
    for place, (row, budget) in enumerate(zip(panels, budgets, strict=True)):
        optimum = results["optimum"][budget]["accuracy"]
        for axes, (spent, label) in zip(row, _SPENT.items(), strict=True):
            for number, (name, of_budgets) in enumerate(curves.items()):
                own = of_budgets[budget]
                style = {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _LINES[number // len(_COLOURS)]}
                # Where the optimum is found nothing is left: it is drawn at the foot.
                regret, least, most = (np.maximum(optimum - value, 0.01) for value in (own.mean, own.high, own.low))
                where = getattr(own, spent)
                marker = "o" if len(where) == 1 else None
                axes.plot(where, regret, label=name, linewidth=1.3, marker=marker, markersize=4, **style)
                axes.fill_between(where, least, most, color=style["color"], alpha=0.12, linewidth=0)
            axes.set(xscale="log", yscale="log", ylim=(0.008, 60))
            axes.axhline(NEAR, color="0.6", linewidth=0.8)
            axes.grid(alpha=0.3)
            if place == len(budgets) - 1:
                axes.set(xlabel=label)
            if spent != "seconds":
                axes.set(xlim=(1, None))
        row[0].set(ylabel=f"mean regret (points)\nwithin {budget}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    figure.savefig(path, dpi=110)


def plot_final(results: Results, path: pathlib.Path) -> None:
    """Final regret of every strategy at every budget, median with its interval."""
    names, budgets = list(results["strategies"]), results["budgets"]
    figure = Figure(figsize=(11, 0.42 * len(names) + 1.6), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))[::-1]
    for number, budget in enumerate(budgets):
        regrets = [results["strategies"][name][budget]["regret"] for name in names]
        median, low, high = (np.maximum([regret[key] for regret in regrets], 0.01) for key in ("median", "low", "high"))
        height = places + 0.3 - 0.6 * number / max(len(budgets) - 1, 1)
        colour = _COLOURS[1:][number % (len(_COLOURS) - 1)]
        axes.errorbar(
            median, height, xerr=[median - low, high - median], fmt="o", markersize=4, color=colour, label=f"within {budget}"
        )
    axes.axvline(NEAR, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="regret (points of accuracy; 0.01 is 0.01 or less), median with 95 % interval")
    axes.set_yticks(places, names)
    axes.grid(alpha=0.3, axis="x")
    figure.legend(loc="outside lower center", ncols=len(budgets))
    figure.savefig(path, dpi=120)
