"""report.html: one page on a run, for people who would rather look than read. Self-contained."""

import base64
from typing import Any

import jinja2

from dna_jax.runs.directory import RunDirectory, read_metrics, write_whole
from dna_jax.runs.plots import plot_search, plot_training, plot_trials
from dna_jax.runs.table import accuracy_rows, learned_cost_sentences
from dna_jax.runs.target import Verdict
from dna_jax.runs.units import UNITS
from dna_jax.search import SearchConfig

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
{% endif %} {{ standing }}{% for sentence in learned_cost %} {{ sentence }}{% endfor %}</p>
<table><tr><th></th><th>found</th><th>published network on baseline</th>
{% if summary.published_best %}<th>published network on its best</th>{% endif %}<th>budget</th></tr>
{% for name, title, unit in rows %}<tr><td>{{ title }} ({{ unit }})</td>
<td class="number">{{ "%.5g" | format(summary.cost[name]) }}</td>
<td class="number">{{ "%.5g" | format(summary.baseline[name]) }}</td>
{% if summary.published_best %}<td class="number">{{ "%.5g" | format(summary.published_best[name]) }}</td>{% endif %}
<td class="number">{{ "%.5g" | format(summary.budgets[name]) if name in summary.budgets else "" }}</td></tr>{% endfor %}
{% for title, found, published in accuracies %}<tr><td>{{ title }}</td><td class="number">{{ found }}</td>
<td class="number">{{ published }}</td>{% if summary.published_best %}<td></td>{% endif %}<td></td></tr>{% endfor %}</table>
{% for caption, data in images %}<h2>{{ caption }}</h2><img alt="{{ caption }}" src="data:image/png;base64,{{ data }}">
{% endfor %}
<h2>The design</h2>
<table><tr><th>decision</th><th>value</th></tr>
{% for name, value in decisions %}<tr><td>{{ name }}</td><td class="number">{{ value }}</td></tr>{% endfor %}</table>
<h2>Layers</h2>
<table><tr>{% for heading in layer_headings %}<th>{{ heading }}</th>{% endfor %}</tr>
{% for layer in layers %}<tr>{% for cell in layer %}<td{% if cell[:1] in "0123456789" %} class="number"{% endif %}>
{{- cell }}</td>{% endfor %}</tr>{% endfor %}</table>
</html>
"""


def write_report(directory: RunDirectory, verdict: Verdict, summary: dict[str, Any], search: SearchConfig) -> None:
    """Draw the plots into plots/ and write report.html.

    Args:
      directory: of the run, with its metrics.
      verdict: on the pair found.
      summary: of the run.
      search: as it was configured.
    """
    phases = read_metrics(directory.path)
    folder = directory.path / "plots"
    folder.mkdir(exist_ok=True)
    draw_search = plot_trials if search.method == "multi_trial" else plot_search
    draw_search(phases["search"], summary["budgets"], search, folder / "search.png")
    images = [("Search", "search.png")]
    for picture in verdict.pictures:
        picture.draw(folder / picture.file)
        images.append((picture.caption, picture.file))
    training = {name: lines for name, lines in phases.items() if name != "search"}
    if training:
        plot_training(training, folder / "training.png")
        images.append(("Training", "training.png"))
    standing = summary["optimality"]["standing"]
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    html = page.render(
        title=f"{summary['space']['name']}, seed {summary['seed']}",
        summary=summary,
        standing=f"{standing[0].upper()}{standing[1:]}.",
        learned_cost=learned_cost_sentences(summary),
        accuracies=accuracy_rows(summary),
        rows=[(name, *UNITS[name]) for name in summary["cost"]],
        images=[(c, base64.b64encode((folder / name).read_bytes()).decode()) for c, name in images],
        decisions=[*summary["network"].items(), *summary["accelerator"].items()],
        layer_headings=verdict.layer_headings,
        layers=verdict.layers,
    )
    write_whole(directory.path / "report.html", html)
