"""Picture of published networks on the best accelerators of every kind: networks side by side, a marker for every kind."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dna_jax.runs.units import UNITS
from experiments.published_report import ACCURACY, GOALS, Figures, asic_rows, goals_of
from experiments.published_spaces import KINDS

_MARKERS = "osD^vPX*"
_SPREAD = 0.5
"""Of the markers of one network; networks are 1 apart."""

_COSTS = ("frame_ms", "latency_ms", "energy_mj", "edp", "area_mm2", "dsp", "bram")
"""Costs in which a pair is set against the default network of its run, by names of `runs.units`; less of each is better."""


def _beside(axes: Axes, ticks: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> None:
    """One marker and colour for each series, side by side at every tick, on a logarithmic axis; None is left out."""
    offsets = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(series)) if len(series) > 1 else [0.0]
    for number, (offset, (label, values)) in enumerate(zip(offsets, series.items(), strict=True)):
        heights = [np.nan if value is None else value for value in values]
        axes.plot(np.arange(len(ticks)) + offset, heights, _MARKERS[number % len(_MARKERS)], markersize=7, label=label)
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


def _draw_asics(axes: Axes, figures: Figures, goal: str, networks: Sequence[str], ticks: Sequence[str]) -> None:
    shown, title = GOALS[goal]
    rows = asic_rows(figures, goal)
    _beside(axes, ticks, {kind: [rows[network, kind][shown] for network in networks] for kind in KINDS})
    better = "lower" if goal == "edp" else "higher"
    axes.set(
        title=f"ASICs within {figures['area_mm2']:g} mm$^2$, searched for {title}", ylabel=f"{title}, {better} is better"
    )


def _draw_board(axes: Axes, figures: Figures, board: str, networks: Sequence[str], ticks: Sequence[str]) -> None:
    rows = {
        (row["network"], row["bits"]): row["fps"]
        for row in figures["fpga"]
        if row["device"] == board and row["allocation"] == "free"
    }
    widths = sorted({bits for _, bits in rows}, reverse=True)
    _beside(axes, ticks, {f"{bits} bits": [rows[network, bits] for network in networks] for bits in widths})
    axes.set(title=f"Proven optimal FPGA pipelines, {board}", ylabel="images/s, higher is better")


def _tick_of_pair(pair: Mapping[str, Any]) -> str:
    default = pair["default_accuracy_percent"]
    beside = "" if default is None else f", default {default:.1f} %"
    return f"{pair['run']} ({pair['data']})\n{pair['accuracy_percent']:.1f} % correct{beside}"


def _draw_found(axes: Axes, pairs: Sequence[Mapping[str, Any]]) -> None:
    """How many times less than the default network on its baseline accelerator each pair costs; accuracies in its label."""
    names = [name for name in _COSTS if any(name in pair["found"] and name in pair["default"] for pair in pairs)]

    def gain(pair: Mapping[str, Any], name: str) -> float | None:
        known = name in pair["found"] and name in pair["default"]
        return pair["default"][name] / pair["found"][name] if known else None

    _beside(
        axes, [_tick_of_pair(pair) for pair in pairs], {UNITS[name][0]: [gain(p, name) for p in pairs] for name in names}
    )
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(
        title="Pairs found by co-search; accuracies on the test images of their runs",
        ylabel="default on baseline / found,\nhigher is better",
    )


def draw(figures: Figures) -> Figure:
    """A panel for each goal of the ASICs, each board, and the pairs that co-search runs found."""
    networks = [row["network"] for row in figures["networks"]]
    ticks = [f"{row['network']}, {row['published_top1_percent']:.1f}" for row in figures["networks"]]
    goals, boards = goals_of(figures), list(dict.fromkeys(row["device"] for row in figures["fpga"]))
    count = len(goals) + len(boards) + bool(figures["found"])
    figure = Figure(figsize=(11, 3.8 * count), layout="constrained")
    panels = iter(figure.subplots(count, 1, squeeze=False)[:, 0])
    for goal in goals:
        _draw_asics(next(panels), figures, goal, networks, ticks)
    for board in boards:
        _draw_board(next(panels), figures, board, networks, ticks)
    for axes in figure.axes[: len(goals) + len(boards)]:
        axes.set_xlabel(f"network, {ACCURACY}")
    if figures["found"]:
        _draw_found(next(panels), figures["found"])
    return figure


def plot(figures: Figures, path: pathlib.Path) -> None:
    """The picture of `draw` in a PNG file."""
    draw(figures).savefig(path, dpi=110)
