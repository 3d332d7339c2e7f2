"""Picture of published networks, and of networks found, on the best accelerators of every kind: networks side by side, a
marker for every kind."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dna_jax.runs.units import UNITS
from experiments.published_report import ACCURACY, GOALS, Figures, accuracy_title, asic_rows, goals_of, width_title
from experiments.published_spaces import KINDS

_MARKERS = "osD^vPX*"
_SPREAD = 0.5
"""Of the markers of one network; networks are 1 apart."""

_COSTS = ("frame_ms", "latency_ms", "energy_mj", "edp", "area_mm2", "dsp", "bram")
"""Costs in which a pair is set against the default network of its run, by names of `runs.units`; less of each is better."""


FOUND = "hollow: found by co-search"
"""Legend of networks that are not published."""


def _beside(
    axes: Axes, ticks: Sequence[str], series: Mapping[str, Sequence[float | None]], found: Sequence[bool] | None = None
) -> None:
    """One marker and colour for each series, side by side at every tick, on a logarithmic axis; None is left out.

    Markers of networks found, true in `found` (none by default), are hollow.
    """
    hollow = np.zeros(len(ticks), bool) if found is None else np.array(found)
    offsets = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(series)) if len(series) > 1 else [0.0]
    for number, (offset, (label, values)) in enumerate(zip(offsets, series.items(), strict=True)):
        places, heights = np.arange(len(ticks)) + offset, np.array(values, float)
        for which, face in ((~hollow, f"C{number}"), (hollow, "none")):
            own = which & np.isfinite(heights)
            if own.any():
                marker = _MARKERS[number % len(_MARKERS)]
                axes.plot(
                    places[own], heights[own], marker, color=f"C{number}", markerfacecolor=face, markersize=7, label=label
                )
                # The legend has a series once.
                label = None
    if hollow.any():
        axes.plot([], [], "o", color="0.3", markerfacecolor="none", markersize=7, label=FOUND)
    for edge in range(len(ticks) - 1):
        axes.axvline(edge + 0.5, color="0.85", linewidth=0.8)
    axes.set(yscale="log", xlim=(-0.5, len(ticks) - 0.5))
    axes.set_xticks(range(len(ticks)), ticks, rotation=20, ha="right", fontsize=8)
    axes.margins(y=0.1)
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter(FuncFormatter(lambda value, _: f"{value:g}" if _is_round(value) else ""))
    axes.grid(which="both", axis="y", alpha=0.25)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, fontsize=8)


def _is_round(value: float) -> bool:
    """Whether a value is 1, 2 or 5 times a power of ten."""
    return bool(np.isclose(value / 10 ** np.floor(np.log10(value) + 1e-9), (1, 2, 5)).any())


def _tick_of_network(network: Mapping[str, Any]) -> str:
    return f"{network['network']}, {accuracy_title(network)}"


def _is_found(networks: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Which networks were found by co-search: those without a published accuracy."""
    return [network["published_top1_percent"] is None for network in networks]


def _draw_asics(axes: Axes, figures: Figures, goal: str) -> None:
    shown, title = GOALS[goal]
    networks, rows = figures["networks"], asic_rows(figures, goal)
    series = {kind: [rows[network["network"], kind][shown] for network in networks] for kind in KINDS}
    _beside(axes, list(map(_tick_of_network, networks)), series, _is_found(networks))
    better = "lower" if goal == "edp" else "higher"
    axes.set(
        title=f"ASICs within {figures['area_mm2']:g} mm$^2$, searched for {title}", ylabel=f"{title}, {better} is better"
    )


def _draw_board(axes: Axes, figures: Figures, board: str) -> None:
    networks = figures["networks"]
    rows = {
        (row["network"], row["bits"]): row["fps"]
        for row in figures["fpga"]
        if row["device"] == board and row["allocation"] == "free"
    }
    # Networks found, whose width is no number, have one of their own in each block: a series of its own, the last.
    widths = sorted({bits for _, bits in rows}, key=lambda bits: bits or 0, reverse=True)
    series = {width_title(bits): [rows.get((network["network"], bits)) for network in networks] for bits in widths}
    _beside(axes, list(map(_tick_of_network, networks)), series, _is_found(networks))
    axes.set(title=f"Proven optimal FPGA pipelines, {board}", ylabel="images/s, higher is better")


def _tick_of_pair(pair: Mapping[str, Any]) -> str:
    default = pair["default_accuracy_percent"]
    beside = "" if default is None else f", default {default:.1f} %"
    return f"{pair['run']} ({pair['data']})\n{pair['accuracy_percent']:.1f} % correct{beside}"


_REFERENCES = {"default": "default on baseline", "default_best": "default on the best for it"}
"""What pairs are set against, by names of `found_pairs.read_pair`."""


def _references(figures: Figures) -> dict[str, list[Mapping[str, Any]]]:
    """Each of _REFERENCES that some pair has, and the pairs that have it."""
    pairs = {reference: [pair for pair in figures["found"] if pair[reference]] for reference in _REFERENCES}
    return {reference: own for reference, own in pairs.items() if own}


def _draw_found(axes: Axes, pairs: Sequence[Mapping[str, Any]], reference: str) -> None:
    """How many times less than the default network on an accelerator each pair costs; accuracies in its label."""
    names = [name for name in _COSTS if any(name in pair["found"] and name in pair[reference] for pair in pairs)]

    def gain(pair: Mapping[str, Any], name: str) -> float | None:
        known = name in pair["found"] and name in pair[reference]
        return pair[reference][name] / pair["found"][name] if known else None

    _beside(
        axes, [_tick_of_pair(pair) for pair in pairs], {UNITS[name][0]: [gain(p, name) for p in pairs] for name in names}
    )
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(
        title="Pairs found by co-search; accuracies on the test images of their runs",
        ylabel=f"{_REFERENCES[reference]} / found,\nhigher is better",
    )


def draw(figures: Figures) -> Figure:
    """A panel for each goal of the ASICs, each board, and the pairs that co-search runs found against each reference."""
    goals, boards = goals_of(figures), list(dict.fromkeys(row["device"] for row in figures["fpga"]))
    references = _references(figures)
    count = len(goals) + len(boards) + len(references)
    figure = Figure(figsize=(11, 3.8 * count), layout="constrained")
    panels = iter(figure.subplots(count, 1, squeeze=False)[:, 0])
    for goal in goals:
        _draw_asics(next(panels), figures, goal)
    for board in boards:
        _draw_board(next(panels), figures, board)
    for axes in figure.axes[: len(goals) + len(boards)]:
        axes.set_xlabel(f"network, {ACCURACY}")
    for reference, pairs in references.items():
        _draw_found(next(panels), pairs, reference)
    return figure


def plot(figures: Figures, path: pathlib.Path) -> None:
    """The picture of `draw` in a PNG file."""
    draw(figures).savefig(path, dpi=110)
