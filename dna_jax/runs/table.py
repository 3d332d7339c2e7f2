"""The table that a finished run prints."""

from collections.abc import Mapping
from typing import Any

_ROWS = (
    ("latency_ms", "latency (ms)"),
    ("energy_mj", "energy (mJ)"),
    ("area_mm2", "area (mm2)"),
    ("area_normalized", "area / baseline"),
    ("peak_tops", "peak int8 TOPS"),
)


def summary_table(summary: Mapping[str, Any], where: str) -> str:
    """Found and published design side by side, budgets, standing, and where to look further."""
    lines = [f"{'':<24}{'found':>12}{'published':>12}{'budget':>12}"]
    for name, title in _ROWS:
        limit = summary["budgets"].get(name)
        shown = f"{limit:>12.5g}" if limit is not None else ""
        lines.append(f"{title:<24}{summary['cost'][name]:>12.5g}{summary['baseline'][name]:>12.5g}{shown}")
    accuracy = summary["accuracy"]
    published = "not trained" if accuracy["baseline"] is None else f"{100 * accuracy['baseline']:.2f}"
    lines.append(f"{'test accuracy (%)':<24}{100 * accuracy['final']:>12.2f}{published:>12}")
    accelerator = " ".join(f"{name.split('.')[-1]}={value}" for name, value in summary["accelerator"].items())
    network = " ".join(str(value) for name, value in summary["network"].items() if name.endswith(".kernel"))
    expansions = " ".join(str(value) for name, value in summary["network"].items() if name.endswith(".expansion"))
    optimality = summary["optimality"]
    if optimality["accelerator_rank"] is None:
        place = "the accelerator does not meet all budgets with this network"
    else:
        place = (
            f"accelerator rank {optimality['accelerator_rank']} of the {optimality['feasible_accelerators']} that meet them "
            f"with this network, {100 * optimality['accelerator_gap']:.2f} % above the best"
        )
    if not optimality["most_likely_design_kept"]:
        place += "; the most likely accelerator missed a budget and gave way to the most likely one that meets all"
    verdict = "all budgets met" if summary["feasible"] else "; ".join(summary["violations"])
    lines += [
        f"kernels      {network}",
        f"expansions   {expansions}",
        f"accelerator  {accelerator}",
        f"{verdict}; {place}",
        f"{summary['wall_seconds']:.0f} s on {summary['backend']}; summary and report in {where}",
    ]
    return "\n".join(lines)
