"""The picture of a co-exploration, and the table that it prints."""

import pathlib
from collections.abc import Collection, Mapping
from typing import Any

import matplotlib

matplotlib.use("Agg")
import moocore
import numpy as np
from matplotlib import pyplot as plt

from dna_jax.runs.coexplore_record import Indices, Price

TITLES = {"opt_sw": "OptSW (most accurate)", "opt_hw": "OptHW (most efficient)"}


def pareto_front(accuracies: np.ndarray, throughputs: np.ndarray) -> np.ndarray:
    """Rows of networks than which no other is better in one of the two and no worse in the other; the slowest first."""
    rows = np.flatnonzero(moocore.is_nondominated(np.stack([-accuracies, -throughputs], axis=1)))
    return rows[np.argsort(throughputs[rows], kind="stable")]


def plot_coexploration(
    prices: Mapping[Indices, Price],
    trained: Mapping[Indices, float],
    rejected: Collection[Indices],
    named: Mapping[str, Indices],
    required: float,
    path: pathlib.Path,
) -> None:
    """Accuracy against throughput of every network trained, coloured by efficiency, with the front and the designs found;
    networks that were not trained stand by their throughput on the lower margin."""
    figure, axis = plt.subplots(figsize=(8.5, 5.5), layout="constrained")
    if trained:
        networks = list(trained)
        accuracy = np.array([trained[network] for network in networks])
        speed = np.array([prices[network].images_per_second for network in networks])
        efficiency = np.array([prices[network].efficiency for network in networks])
        points = axis.scatter(speed, accuracy, c=100 * efficiency, s=22, cmap="viridis", label="trained")
        figure.colorbar(points, label="multipliers at work (%)")
        front = pareto_front(accuracy, speed)
        axis.plot(speed[front], accuracy[front], color="tab:red", lw=1.2, drawstyle="steps-pre", label="Pareto front")
    for (name, network), marker in zip(named.items(), "*D", strict=False):
        where = prices[network].images_per_second, trained[network]
        axis.plot(*where, marker, ms=15 if marker == "*" else 8, mfc="none", mec="black", mew=1.4, label=TITLES[name])
    margins = [prices[network].images_per_second for network in rejected]
    axis.plot(
        margins, [0.015] * len(margins), "|", color="tab:grey", ms=9, transform=axis.get_xaxis_transform(), label="rejected"
    )
    axis.axvline(required, color="black", ls="--", lw=0.8, label="required")
    axis.set(
        title=f"{len(trained)} networks trained, {len(rejected)} rejected",
        xlabel="throughput of the best pipeline (images/s)",
        ylabel="accuracy on held-out images (%)",
        xscale="log",
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=9)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


def coexplore_table(summary: Mapping[str, Any], where: str) -> str:
    """The designs found side by side, what was spent, and where to look further."""
    counts = summary["counts"]
    spent = (
        f"{counts['networks_trained']} networks trained, {counts['networks_rejected']} rejected before training, "
        f"{counts['networks_priced']} priced; {summary['wall_seconds']:.0f} s on {summary['backend']}; summary and picture "
        f"in {where}"
    )
    if not summary["feasible"]:
        return f"no network that was trained meets the requirements; {spent}"
    found = [summary[name] for name in TITLES]
    required = summary["requirements"]
    rows: list[tuple[str, list[str], str]] = [
        ("accuracy, held-out (%)", [f"{100 * f['accuracy']['search']:.2f}" for f in found], ""),
        ("accuracy, test (%)", [f"{100 * f['accuracy']['final']:.2f}" for f in found], ""),
        ("throughput (images/s)", [f"{f['images_per_second']:.0f}" for f in found], f"{required['images_per_second']:g}"),
        ("multipliers at work (%)", [f"{100 * f['efficiency']:.1f}" for f in found], f"{100 * required['efficiency']:g}"),
        ("boards busy (%)", [f"{100 * f['balance']:.1f}" for f in found], ""),
        ("GOPS a board", [f"{f['gops_per_board']:.1f}" for f in found], ""),
        ("boards", [str(f["boards"]) for f in found], str(summary["boards"]["most"])),
        ("DSP slices", [str(f["dsp"]) for f in found], ""),
        ("MACs (million)", [f"{f['macs'] / 1e6:.2f}" for f in found], ""),
    ]
    lines = [" " * 26 + "".join(f"{title:>24}" for title in TITLES.values()) + f"{'required':>12}"]
    lines += [f"{title:<26}" + "".join(f"{value:>24}" for value in values) + f"{limit:>12}" for title, values, limit in rows]
    for kind in ("kernel", "filters", "stride"):
        chosen = [" ".join(str(v) for name, v in f["network"].items() if name.endswith(kind)) for f in found]
        lines.append(f"{kind:<26}" + "".join(f"{values:>24}" for values in chosen))
    return "\n".join([*(line.rstrip() for line in lines), spent])
