"""Tables of published networks, and of networks found, on the best accelerators of every kind."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dna_jax.runs.units import UNITS
from experiments import markdown
from experiments.published_spaces import CHUNKED, KINDS, SINGLE

Figures = Mapping[str, Any]
"""What `experiments.published_networks` writes: networks, asic, fpga, found."""

ACCURACY = "published top-1 (%), not measured here"
"""Heading of accuracies that are copied from publications."""

NOT_MEASURED = "not measured"
"""In the place of the accuracy of a network found, at a size at which it was not trained."""

FOUND_NOTE = (
    'Networks named "found" are those of co-search runs: the operations and operand widths that they chose, in the\n'
    "network of the DNA space for 224 x 224 pixels at full width. They were searched and trained at a smaller size; how\n"
    "accurate they are at this one was not measured.\n"
)

GOALS = {"edp": ("edp", "EDP (mJ ms)"), "interval_ms": ("fps", "images/s")}
"""Goal -> what tables and picture show of it, and its title."""


def _number(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent."""
    if value is None:
        return "none"
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:,.{decimals}f}"


def accuracy_title(network: Mapping[str, Any]) -> str:
    """The published accuracy of a network, %, or that there is none."""
    accuracy = network["published_top1_percent"]
    return NOT_MEASURED if accuracy is None else f"{accuracy:.1f}"


def width_title(bits: int | None) -> str:
    """An operand width; None is that of networks found, which chose one in each block."""
    return "as found" if bits is None else f"{bits} bits"


def goals_of(figures: Figures) -> list[str]:
    """Goals that ASICs were searched for, in their order."""
    return list(dict.fromkeys(row["goal"] for row in figures["asic"]))


def asic_rows(figures: Figures, goal: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Network and kind -> its row for a goal."""
    return {(row["network"], row["kind"]): row for row in figures["asic"] if row["goal"] == goal}


def pipeline_gain(rows: Mapping[tuple[str, str], dict[str, Any]], network: str, goal: str) -> float:
    """How many times better the pipeline is than the best single chunk, by the goal."""
    return min(rows[network, kind][goal] for kind in SINGLE) / rows[network, CHUNKED][goal]


def _overview(figures: Figures, goal: str) -> str:
    shown, title = GOALS[goal]
    rows, body, gains = asic_rows(figures, goal), [], []
    for network in figures["networks"]:
        name = network["network"]
        gain = pipeline_gain(rows, name, goal)
        if network["published_top1_percent"] is not None:
            gains.append(gain)
        cells = [_number(rows[name, kind][shown]) for kind in KINDS]
        body.append([name, accuracy_title(network), f"{network['million_macs']:,.0f}", *cells])
        least = min(rows[name, kind][goal] for kind in SINGLE)
        body[-1] += [f"{gain:.2f}", f"{least / rows[name, CHUNKED]['bound']:.2f}"]
    mean = float(np.exp(np.mean(np.log(gains))))
    body.append(["geometric mean of those published", *[""] * (len(body[-1]) - 3), f"{mean:.2f}", ""])
    head = ["network", ACCURACY, "MACs (million)", *(f"{kind}, {title}" for kind in KINDS)]
    head += ["chunked over best single (times better)", "at most, by the proven bound"]
    return markdown.table(head, body)


def _detail(figures: Figures, goal: str) -> str:
    rows, body = asic_rows(figures, goal), []
    for network in figures["networks"]:
        for kind in KINDS:
            row = rows[network["network"], kind]
            reached = [value for value in row["by_start"] if value is not None]
            body.append(
                [
                    network["network"],
                    kind,
                    *(_number(row[name]) for name in ("fps", "latency_ms", "energy_mj", "edp")),
                    f"{row['area_mm2']:.2f}",
                    f"{row['gap_percent']:.0f}",
                    f"{_number(min(reached))} to {_number(max(reached))}" if reached else "none",
                    _number(row["from_nothing"]) if "from_nothing" in row else "",
                    _number(row["random"]) if "random" in row else "",
                    f"{row['seconds']:.0f}",
                ]
            )
    unit = {"edp": "mJ ms", "interval_ms": "ms"}[goal]
    head = ["network", "accelerator", "images/s", "latency (ms)", "energy (mJ)", "EDP (mJ ms)", "area (mm2)"]
    head += ["above the proven bound (%)", f"starts, {goal} ({unit})", f"from nothing ({unit})", f"random ({unit})"]
    return markdown.table([*head, "search (s)"], body)


def _fpga(figures: Figures) -> str:
    accuracy = {row["network"]: accuracy_title(row) for row in figures["networks"]}
    pairs: dict[tuple[str, str, int | None], dict[str, dict[str, Any]]] = {}
    for row in figures["fpga"]:
        pairs.setdefault((row["device"], row["network"], row["bits"]), {})[row["allocation"]] = row
    body = []
    for (device, network, bits), row in pairs.items():
        line = [device, network, accuracy[network], width_title(bits)]
        for allocation in ("released", "free"):
            own = row[allocation]
            line += [_number(own["fps"]), *("" if own[name] is None else f"{own[name]:g}" for name in ("dsp", "bram"))]
        line += [_number(row["free"]["unlimited_fps"]), _number(row["free"]["by_rule_fps"]), f"{row['free']['seconds']:.2f}"]
        body.append(line)
    head = ["board", "network", ACCURACY, "operands", "images/s, released allocation", "DSP", "BRAM"]
    head += ["images/s, free allocation", "DSP", "BRAM", "images/s without limits", "images/s by rule", "proof (s)"]
    return markdown.table(head, body)


def _unpriced(figures: Figures) -> str:
    body = [
        [
            row["network"],
            ", ".join(row["unpriced_on_fpga"]["kinds"]),
            f"{row['unpriced_on_fpga']['percent_of_operations']:.2f}",
        ]
        for row in figures["networks"]
    ]
    return markdown.table(["network", "runs at no cost on FPGAs", "of all operations (%)"], body)


def _found(figures: Figures) -> str:
    body = []
    for pair in figures["found"]:
        default = pair["default_accuracy_percent"]
        common = [name for name in UNITS if name in pair["found"] and name in pair["default"]]
        best = pair["default_best"] or {}
        for index, name in enumerate(common):
            first = [
                pair["run"],
                pair["data"],
                f"{pair['accuracy_percent']:.2f}",
                "" if default is None else f"{default:.2f}",
            ]
            title, unit = UNITS[name]
            figures_of = [_number(pair[side][name]) for side in ("found", "default")]
            figures_of.append(_number(best[name]) if name in best else "")
            body.append([*(first if not index else [""] * 4), f"{title} ({unit})", *figures_of])
    head = [
        "run",
        "data",
        "found, test accuracy (%)",
        "default, test accuracy (%)",
        "figure",
        "found",
        "default on baseline",
        "default on the best for it",
    ]
    return markdown.table(head, body)


def tables(figures: Figures) -> str:
    """All tables, Markdown."""
    parts = []
    if any(row["published_top1_percent"] is None for row in figures["networks"]):
        parts.append(FOUND_NOTE)
    for goal in goals_of(figures):
        title = {"edp": "least energy-delay product of one image", "interval_ms": "most images a second"}[goal]
        within = f"within {figures['area_mm2']:g} mm2"
        parts += [f"## ASICs {within}: {title}\n", _overview(figures, goal), _detail(figures, goal)]
    parts += ["## FPGAs: proven optima\n", _fpga(figures), _unpriced(figures)]
    if figures["found"]:
        parts += ["## Pairs found by co-search, on the data of their runs\n", _found(figures)]
    return "\n".join(parts)
