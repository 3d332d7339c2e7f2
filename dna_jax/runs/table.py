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
    accuracy = summary["accuracy"]
    published = "not trained" if accuracy["baseline"] is None else f"{100 * accuracy['baseline']:.2f}"
    lines.append(f"{'test accuracy (%)':<26}{100 * accuracy['final']:>12.2f}{published:>12}")
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
        f"{summary['wall_seconds']:.0f} s on {summary['backend']}; summary and report in {where}",
    ]
    return "\n".join(lines)
