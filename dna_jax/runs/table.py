"""The table that a finished run prints."""

from collections.abc import Mapping
from typing import Any

from dna_jax.runs.units import UNITS


def summary_table(summary: Mapping[str, Any], where: str) -> str:
    """Found and published design side by side, budgets, standing, and where to look further.

    The published network is on the baseline accelerator, and where it was sought on the best one for it.
    """
    best = summary.get("published_best")
    titles = ["found", "published", *([] if best is None else ["on its best"]), "budget"]
    lines = [" " * 26 + "".join(f"{title:>12}" for title in titles)]
    for name in summary["cost"]:
        title = "{} ({})".format(*UNITS[name])
        limit = summary["budgets"].get(name)
        shown = f"{limit:>12.5g}" if limit is not None else ""
        on_best = "" if best is None else f"{best[name]:>12.5g}"
        lines.append(f"{title:<26}{summary['cost'][name]:>12.5g}{summary['baseline'][name]:>12.5g}{on_best}{shown}")
    lines += [f"{title:<26}{found:>12}{published:>12}".rstrip() for title, found, published in accuracy_rows(summary)]
    choices: dict[str, list[str]] = {}
    for name, value in [*summary["network"].items(), *summary["accelerator"].items()]:
        # "block_03.kernel" is a kernel; "accelerator.a0q8.rows" is of a0q8; "accelerator.pes_x" of the accelerator.
        parts = name.split(".")
        of_block = parts[0].startswith("block_")
        row = parts[1] if of_block else ".".join(parts[:-1])
        choices.setdefault(row, []).append(str(value) if of_block else f"{parts[-1]}={value}")
    verdict = "all budgets met" if summary["feasible"] else "; ".join(summary["violations"])
    lines += [
        *(f"{row:<25} {' '.join(values)}" for row, values in choices.items()),
        f"{verdict}; {summary['optimality']['standing']}",
        *learned_cost_sentences(summary),
        f"{summary['wall_seconds']:.0f} s on {summary['backend']}; summary and report in {where}",
    ]
    return "\n".join(lines)


def learned_cost_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What a learned cost model was to the search and how far it is from the analytical one, in a sentence; none where the
    search used the latter."""
    # Runs of earlier versions do not say.
    learned = summary.get("learned_cost")
    if learned is None:
        return []
    latency, area = learned["errors"]["latency_ms"], learned["errors"]["area_mm2"]
    time = learned["milliseconds_per_design_with_gradient"]
    return [
        f"The search took costs from a model learned from {learned['samples']:,} designs; on {learned['held_out']:,} others "
        f"its latency is {latency['median_abs_pct']:.3g} % off (median; 95th percentile {latency['p95_abs_pct']:.3g} %) and "
        f"its area {area['median_abs_pct']:.3g} % ({area['p95_abs_pct']:.3g} %), in {time['learned']:.3g} ms a design with "
        f"gradient against {time['analytical']:.3g} ms of the analytical model, which judged what was found."
    ]


def accuracy_rows(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Title, and test accuracies of the found and the published network; of several trainings mean, lowest and highest."""
    accuracy = summary["accuracy"]
    # Runs of earlier versions trained once and do not list it.
    trainings = summary.get("accuracy_of_each_training", {"final": [accuracy["final"]], "baseline": [accuracy["baseline"]]})
    repeats = len(trainings["final"])

    def shown(name: str) -> tuple[str, str]:
        if accuracy[name] is None:
            return "not trained", ""
        each = trainings[name]
        return f"{100 * accuracy[name]:.2f}", f"{100 * min(each):.2f}-{100 * max(each):.2f}"

    (found, found_range), (published, published_range) = shown("final"), shown("baseline")
    if repeats == 1:
        return [("test accuracy (%)", found, published)]
    return [
        (f"accuracy, mean of {repeats} (%)", found, published),
        ("lowest to highest (%)", found_range, published_range),
    ]
