"""report.html: one page on a run, for people who would rather look than read. Self-contained."""

import base64
from typing import Any

import jinja2
import numpy as np

from dna_jax.hardware import Cost, Template, bound_names, format_mapping
from dna_jax.runs.directory import RunDirectory, write_whole
from dna_jax.runs.plots import plot_accelerators, plot_search, plot_training
from dna_jax.search import Enumeration

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .7rem; border-bottom: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% }
.bad { color: #b00 } code { font-size: 85% }
</style>
<h1>{{ title }}</h1>
<p>{% if summary.feasible %}All budgets are met.{% else %}<span class="bad">{{ summary.violations | join("; ") }}.</span>
{% endif %} {{ standing }}</p>
<table><tr><th></th><th>found</th><th>published network on baseline</th><th>budget</th></tr>
{% for name, unit in rows %}<tr><td>{{ name }} ({{ unit }})</td>
<td class="number">{{ "%.5g" | format(summary.cost[name]) }}</td>
<td class="number">{{ "%.5g" | format(summary.baseline[name]) }}</td>
<td class="number">{{ "%.5g" | format(summary.budgets[name]) if name in summary.budgets else "" }}</td></tr>{% endfor %}
<tr><td>test accuracy (%)</td><td class="number">{{ "%.2f" | format(100 * summary.accuracy.final) }}</td>
<td class="number">{{ published_accuracy }}</td><td></td></tr></table>
{% for caption, data in images %}<h2>{{ caption }}</h2><img alt="{{ caption }}" src="data:image/png;base64,{{ data }}">
{% endfor %}
<h2>The design</h2>
<table><tr><th>decision</th><th>value</th></tr>
{% for name, value in decisions %}<tr><td>{{ name }}</td><td class="number">{{ value }}</td></tr>{% endfor %}</table>
<h2>Layers</h2>
<table><tr><th>layer</th><th>cycles</th><th>bound</th><th>utilisation (%)</th><th>energy (uJ)</th><th>mapping</th></tr>
{% for layer in layers %}<tr><td>{{ layer.name }}</td><td class="number">{{ layer.cycles }}</td><td>{{ layer.bound }}</td>
<td class="number">{{ layer.utilisation }}</td><td class="number">{{ layer.energy }}</td>
<td><code>{{ layer.mapping }}</code></td></tr>{% endfor %}</table>
</html>
"""

_ROWS = (
    ("latency_ms", "ms"),
    ("energy_mj", "mJ"),
    ("area_mm2", "mm²"),
    ("area_normalized", "of baseline"),
    ("peak_tops", "TOPS"),
)


def layer_table(template: Template, names: list[str], design: dict[str, Any], cost: Cost) -> list[dict[str, str]]:
    """Per layer: cycles, what binds it, energy and mapping, as text."""
    architecture = template.architecture(template.space.encode(design), np.float32)
    bounds = bound_names(architecture)
    layers = cost.layers.cost
    binding = np.asarray(layers.bound)
    rows = []
    for i, name in enumerate(names):
        mapping = type(cost.layers.mapping)(*(np.asarray(x)[i] for x in vars(cost.layers.mapping).values()))
        rows.append(
            {
                "name": name,
                "cycles": f"{float(layers.cycles[i]):.0f}",
                "bound": bounds[int(binding[i])],
                "utilisation": f"{100 * float(layers.utilisation[i]):.1f}",
                "energy": f"{float(layers.energy_pj[i]) * 1e-6:.3f}",
                "mapping": format_mapping(mapping, architecture),
            }
        )
    return rows


def write_report(
    directory: RunDirectory,
    template: Template,
    layer_names: list[str],
    enumeration: Enumeration,
    cost: Cost,
    summary: dict[str, Any],
    warmup_steps: int,
) -> None:
    """Draw the plots into plots/ and write report.html."""
    phases = directory.read_metrics()
    folder = directory.path / "plots"
    folder.mkdir(exist_ok=True)
    budgets = summary["budgets"]
    plot_search(phases["search"], budgets, warmup_steps, folder / "search.png")
    best = summary["optimality"]["best_cost"]
    marked = {"found": summary["cost"]} | ({"best for this network": best} if best else {})
    if "accelerator" not in summary["space"]["fixed"]:
        marked["published network on baseline"] = summary["baseline"]
    plot_accelerators(enumeration, marked, budgets, folder / "accelerators.png")
    training = {name: lines for name, lines in phases.items() if name != "search"}
    images = [("Search", "search.png"), ("Every accelerator for the network found", "accelerators.png")]
    if training:
        plot_training(training, folder / "training.png")
        images.append(("Training", "training.png"))
    optimality = summary["optimality"]
    if optimality["accelerator_rank"] is None:
        place = "The accelerator found does not meet all budgets with this network."
    else:
        place = (
            f"Its accelerator ranks {optimality['accelerator_rank']} of the {optimality['feasible_accelerators']} that meet "
            f"all budgets with this network; in the geometric mean of cost over budget it lies "
            f"{100 * optimality['accelerator_gap']:.2f} % above the best."
        )
    published = summary["accuracy"]["baseline"]
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    html = page.render(
        title=f"{summary['space']['name']}, seed {summary['seed']}",
        summary=summary,
        standing=place,
        published_accuracy="not trained" if published is None else f"{100 * published:.2f}",
        rows=_ROWS,
        images=[(c, base64.b64encode((folder / name).read_bytes()).decode()) for c, name in images],
        decisions=[*summary["network"].items(), *summary["accelerator"].items()],
        layers=layer_table(template, layer_names, summary["accelerator"], cost),
    )
    write_whole(directory.path / "report.html", html)
