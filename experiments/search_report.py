"""Tables, sentences and pictures of the benchmark of search strategies."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dna_jax.benchmarks.figures import NEAR, Curve

Results = Mapping[str, Any]
"""Of `experiments.benchmark_search`."""

_COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999")
"""Of Okabe and Ito, which people with any kind of colour vision tell apart."""
_LINES = ("-", "--", ":")

_SPENT = {"queries": "accuracy queries", "evaluations": "designs priced", "seconds": "seconds of one search"}


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def regret_table(results: Results) -> str:
    """Markdown: median regret with its interval, and the share that ends feasible, of each strategy at each budget."""
    rows = []
    for name, of_budgets in results["strategies"].items():
        cells = []
        for budget in results["budgets"]:
            own = of_budgets[budget]
            regret, share = own["regret"], own["feasible_share"]
            feasible = "" if share == 1 else f", {100 * share:.0f} % feasible"
            cells.append(f"{regret['median']:.2f} ({regret['low']:.2f} to {regret['high']:.2f}){feasible}")
        rows.append([name, *cells])
    optimum = [f"{budget}: {results['optimum'][budget]['accuracy']:.2f} %" for budget in results["budgets"]]
    return _markdown(["strategy", *optimum], rows)


def _range(counts: Sequence[float]) -> str:
    """The least and the largest count over budgets; one number where they are equal."""
    least, most = f"{min(counts):,.0f}", f"{max(counts):,.0f}"
    return least if least == most else f"{least} to {most}"


def effort_table(results: Results) -> str:
    """Markdown: what a search takes, its hypervolume, and what it takes to come near the optimum at each budget."""
    rows = []
    for name, of_budgets in results["strategies"].items():
        near = [of_budgets[budget]["until_near"] for budget in results["budgets"]]
        volume = [of_budgets[budget]["hypervolume_ratio"] for budget in results["budgets"]]
        beyond = [of_budgets[budget]["tried_beyond_share"] for budget in results["budgets"]]
        rows.append(
            [
                name,
                _range([of_budgets[budget]["accuracy_queries"] for budget in results["budgets"]]),
                _range([of_budgets[budget]["cost_evaluations"] for budget in results["budgets"]]),
                f"{of_budgets[results['budgets'][0]]['wall_seconds']:.3g}",
                f"{min(volume):.2f} to {max(volume):.2f}",
                f"{100 * min(beyond):.0f} to {100 * max(beyond):.0f}",
                ", ".join("-" if spent is None else f"{spent['accuracy_queries']:,.0f}" for spent in near),
                ", ".join("-" if spent is None else f"{spent['wall_seconds']:.2g}" for spent in near),
            ]
        )
    head = [
        "strategy",
        "accuracy queries",
        "designs priced",
        "seconds of one search",
        "hypervolume ratio",
        "designs tried beyond a budget (%)",
        f"queries until the median regret stays within {NEAR:.2f}",
        "seconds until then",
    ]
    return _markdown(head, rows)


def ranking(results: Results) -> list[tuple[str, float]]:
    """Strategies from the best down, by the largest over budgets of the median regret, then of the mean regret."""

    def worst(name: str, statistic: str) -> float:
        return max(results["strategies"][name][budget]["regret"][statistic] for budget in results["budgets"])

    names = sorted(results["strategies"], key=lambda name: (round(worst(name, "median"), 2), worst(name, "mean")))
    return [(name, worst(name, "median")) for name in names]


def sentences(results: Results, default: str) -> list[str]:
    """What the figures say in words: which strategy is best, and how the default compares with PPO."""
    ranked = ranking(results)
    first = ", ".join(f"{name} ({regret:.2f})" for name, regret in ranked[:3])
    said = [f"Least median regret at their worst budget, in points of accuracy: {first}."]
    strategies = results["strategies"]
    if default in strategies:
        place = [name for name, _ in ranked].index(default)
        ahead = [name for name, regret in ranked[:place] if round(regret, 2) < round(dict(ranked)[default], 2)]
        said.append(
            f"{', '.join(ahead)} ended nearer to the optimum than the default {default}."
            if ahead
            else f"No strategy ended nearer to the optimum in the median than the default, {default}."
        )
    for rival in (name for name in ("ppo", "ppo_tuned") if name in strategies):
        if default in strategies:
            said += _ratios(results, default, rival, "wall_seconds", "seconds")
        if "differentiable_surrogate" in strategies:
            said += _ratios(results, "differentiable_surrogate", rival, "accuracy_queries", "accuracy queries")
    if "ppo" in strategies and "random" in strategies:
        said.append(_ppo_and_random(results))
    return said


def _ratios(results: Results, name: str, rival: str, spent: str, unit: str) -> list[str]:
    """How much more a rival spends until it is near the optimum."""
    ratios = []
    for budget in results["budgets"]:
        own, other = (results["strategies"][which][budget]["until_near"] for which in (name, rival))
        if own is not None and other is not None:
            ratios.append(other[spent] / own[spent])
    if not ratios:
        return [f"{name} and {rival} are not both within {NEAR:.2f} points of any optimum."]
    return [
        f"Until the median regret stays within {NEAR:.2f} points, {rival} takes {min(ratios):.2g} to {max(ratios):.2g} "
        f"times the {unit} of {name} (at {len(ratios)} of {len(results['budgets'])} budgets both get there)."
    ]


def _ppo_and_random(results: Results) -> str:
    parts = []
    for budget in results["budgets"]:
        gain = results["ppo_over_random"][budget]
        parts.append(f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f}) within {budget}")
    return f"ppo over random at equal samples, mean accuracy in points with 95 % interval: {'; '.join(parts)}."


def rounded(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, Any]:
    """Curves as JSON-like values, with as many digits as mean something."""
    return {
        name: {
            budget: {key: [float(f"{value:.6g}") for value in values] for key, values in vars(own).items()}
            for budget, own in of_budgets.items()
        }
        for name, of_budgets in curves.items()
    }


def plot_curves(curves: Mapping[str, Mapping[str, Curve]], results: Results, path: pathlib.Path) -> None:
    """Median distance to the optimum against queries, designs priced and seconds; a row for each budget.

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
                regret = np.maximum(optimum - own.median, 0.01)
                axes.plot(getattr(own, spent), regret, label=name, linewidth=1.3, **style)
            axes.set(xscale="log", yscale="log", ylim=(0.008, 60))
            axes.axhline(NEAR, color="0.6", linewidth=0.8)
            axes.grid(alpha=0.3)
            if place == len(budgets) - 1:
                axes.set(xlabel=label)
            if spent != "seconds":
                axes.set(xlim=(1, None))
        row[0].set(ylabel=f"regret (points)\nwithin {budget}")
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
