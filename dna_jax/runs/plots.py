"""Pictures of a run."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from dna_jax.runs.units import UNITS
from dna_jax.search import Enumeration, SearchConfig

Lines = Sequence[Mapping[str, Any]]
"""Lines of metrics of one phase, in order of steps."""


def _column(lines: Lines, name: str) -> tuple[list[int], list[float]]:
    chosen = [line for line in lines if name in line]
    return [line["step"] for line in chosen], [line[name] for line in chosen]


def _save(figure: Any, path: pathlib.Path) -> None:
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


def plot_search(lines: Lines, budgets: Mapping[str, float], search: SearchConfig, path: pathlib.Path) -> None:
    """Loss and accuracy, cost over budget, and how decided the decisions are, over the steps of the search.

    Costs are those that a step priced, as the search was configured. Legends lie below the panels, where no curve is.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    left.plot(*_column(lines, "task_loss"), color="tab:blue")
    left.set(title="Supernet", xlabel="step", ylabel="task loss (nats)")
    twin = left.twinx()
    steps, accuracy = _column(lines, "accuracy")
    twin.plot(steps, [100 * value for value in accuracy], color="tab:orange")
    twin.set_ylabel("batch accuracy (%)", color="tab:orange")

    for name, (label, unit) in UNITS.items():
        steps, values = _column(lines, name)
        if name in budgets:
            middle.plot(steps, np.array(values) / budgets[name], label=f"{label} / {budgets[name]:.4g} {unit}")
        elif values:
            middle.plot(steps, np.array(values) / values[0], label=f"{label} / first ({values[0]:.4g} {unit})", ls=":")
    middle.axhline(1, color="black", lw=0.8)
    priced = "the expected network" if search.expected_network else "sampled designs"
    middle.set(title=f"Cost of {priced}", xlabel="step", ylabel="cost over budget", yscale="log")

    right.plot(*_column(lines, "network_entropy"), color="tab:green", label="network (mean; 1 = undecided)")
    right.plot(*_column(lines, "accelerator_entropy"), color="tab:purple", linestyle="--", label="accelerator")
    right.set(title="Decisions", xlabel="step", ylabel="entropy / log(options)", ylim=(0, 1.05))
    twin = right.twinx()
    driving = "reward" if search.method == "one_shot" else "temperature"
    twin.plot(*_column(lines, driving), color="tab:red", ls="--")
    twin.set_ylabel(driving, color="tab:red")
    for axis in (middle, right):
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=8)
    for axis in (left, middle, right):
        axis.axvspan(0, search.warmup_steps, color="grey", alpha=0.12)
    _save(figure, path)


def plot_trials(lines: Lines, budgets: Mapping[str, float], search: SearchConfig, path: pathlib.Path) -> None:
    """Reward and accuracy, share of trials that meet all budgets, and their costs, over the trials of a search."""
    batch = search.multi_trial.ppo.batch

    def column(name: str) -> tuple[list[int], list[float]]:
        updates, values = _column(lines, name)
        return [batch * update for update in updates], values

    def percent(name: str) -> tuple[list[int], list[float]]:
        trials, values = column(name)
        return trials, [100 * value for value in values]

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    left.plot(*percent("best_accuracy"), color="tab:orange", drawstyle="steps-post", label="best within budgets")
    left.plot(*percent("accuracy"), color="tab:blue", label="mean of an update")
    left.set(title="Trainings", ylabel="accuracy on held-out images (%)")
    twin = left.twinx()
    twin.plot(*column("reward"), color="tab:green", ls="--")
    twin.set_ylabel(f"{search.multi_trial.reward} reward, mean of an update", color="tab:green")
    middle.plot(*percent("feasible"), color="tab:purple")
    middle.set(title="Trials that meet all budgets", ylabel="share of an update (%)", ylim=(-3, 103))
    for name, (label, unit) in UNITS.items():
        trials, values = column(name)
        if name in budgets:
            right.plot(trials, np.array(values) / budgets[name], label=f"{label} / {budgets[name]:.4g} {unit}")
    right.axhline(1, color="black", lw=0.8)
    right.set(title="Cost of trials, geometric mean of an update", ylabel="cost over budget", yscale="log")
    for axis in (left, right):
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=8)
    for axis in (left, middle, right):
        axis.set_xlabel("trials")
    _save(figure, path)


def plot_accelerators(
    enumeration: Enumeration,
    marked: Mapping[str, Mapping[str, float]],
    budgets: Mapping[str, float],
    path: pathlib.Path,
) -> None:
    """Latency against area of every accelerator for the network found, the Pareto front, and marked designs."""
    latency, area = enumeration.costs["latency_ms"], enumeration.costs["area_mm2"]
    figure, axis = plt.subplots(figsize=(8, 5.5), layout="constrained")
    points = axis.scatter(area, latency, c=enumeration.costs["energy_mj"], s=2, cmap="viridis", rasterized=True)
    figure.colorbar(points, label="energy (mJ)")
    front = enumeration.front(("area_mm2", "latency_ms"))
    axis.plot(area[front], latency[front], color="tab:red", lw=1.2, label="Pareto front (exact)")
    for (name, cost), marker in zip(marked.items(), "*oDs", strict=False):
        axis.plot(cost["area_mm2"], cost["latency_ms"], marker, ms=13 if marker == "*" else 8, mec="black", label=name)
    if "area_mm2" in budgets:
        axis.axvline(budgets["area_mm2"], color="black", ls="--", lw=0.8, label="budgets")
    if "latency_ms" in budgets:
        axis.axhline(budgets["latency_ms"], color="black", ls="--", lw=0.8)
    axis.set(
        title=f"{len(latency):,} accelerators for the network",
        xlabel="area (mm²)",
        ylabel="latency (ms)",
        xscale="log",
        yscale="log",
    )
    axis.legend(loc="upper right")
    _save(figure, path)


def plot_pipeline(
    chunks: Mapping[str, Sequence[float]],
    columns: Mapping[str, str],
    limits: Mapping[str, float],
    path: pathlib.Path,
) -> None:
    """What every chunk takes, given in this order, beside what limits them; `columns` are costs with their titles."""
    height = 0.32 * len(chunks) + 1.8
    figure, panels = plt.subplots(1, len(columns), figsize=(14, height), layout="constrained", sharey=True)
    for column, (axis, (name, title)) in enumerate(zip(panels, columns.items(), strict=True)):
        values = [cost[column] for cost in chunks.values()]
        axis.barh(list(chunks), values, color=("tab:blue", "tab:orange", "tab:green")[column])
        if name != "frame_ms":
            most = f" of {limits[name]:.4g}" if name in limits else ""
            title = f"{title}, {sum(values):.4g}{most} in all"
        elif name in limits:
            axis.axvline(limits[name], color="black", ls="--", lw=0.8)
            title = f"{title}; dashed: budget"
        axis.set(title=title)
    panels[0].invert_yaxis()
    _save(figure, path)


def plot_training(phases: Mapping[str, Lines], path: pathlib.Path) -> None:
    """Training loss and accuracy of the network found and the published one."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, lines in phases.items():
        left.plot(*_column(lines, "loss"), label=name)
        steps, accuracy = _column(lines, "accuracy")
        right.plot(steps, [100 * value for value in accuracy], label=name)
    left.set(title="Training loss", xlabel="step", ylabel="loss with label smoothing (nats)")
    right.set(title="Training accuracy (augmented batches)", xlabel="step", ylabel="accuracy (%)")
    left.legend()
    _save(figure, path)
