"""Settings of search strategies chosen on the benchmark macro_edge, with as many tries for each of them.

python -m experiments.tune_strategies --out=FILE.json

Tries are drawn at random (`dna_jax.benchmarks.tuning`), the first has the settings of before; each runs with every seed at
all five budgets. Chosen is the one that asks for the fewest accuracies until it is near the optimum, or ends nearest. Seeds
are others than those that the benchmark judges with. FILE.md gets the table. What is chosen is written into
`StrategySettings` by hand.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
from absl import flags

from dna_jax.benchmarks import SAMPLES, macro_edge, use_every_core
from dna_jax.benchmarks.figures import NEAR
from dna_jax.benchmarks.tuning import VALUES, best_of, draw, run_try, settings_of
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.runs.progress import Progress
from experiments import benchmark_output, markdown


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_list("strategies", list(VALUES), f"Settings to choose, some of: {', '.join(VALUES)}.")
    flags.DEFINE_integer("tries", 12, "Tries of each.", lower_bound=1)
    flags.DEFINE_integer("seeds", 20, "Seeds of a try, from 0 on.", lower_bound=1)
    flags.DEFINE_integer("samples", SAMPLES, "Designs that a search tries.", lower_bound=1)
    benchmark_output.define_out_flag()


def table(chosen: dict[str, dict[str, Any]], budgets: Sequence[str]) -> str:
    """Markdown: what every try came to and took at each budget; the chosen one is set off."""
    text = ""
    for name, own in chosen.items():
        text += (
            f"{name}: median (mean) regret in points of accuracy, by budget; accuracies asked and designs priced until the "
        )
        text += f"median stays within {NEAR:.2f}\n\n"
        rows = []
        for number, tried in enumerate(own["tries"]):
            changes = ", ".join(f"{path.partition('.')[2]}={value}" for path, value in tried["changes"].items()) or "nothing"
            mark = "**" if number == own["chosen"] else ""
            columns = (tried[key] for key in ("median_regrets", "mean_regrets", "queries_until_near", "priced_until_near"))
            cells = (
                f"{median:.3f} ({mean:.3f})" + ("" if queries is None else f"; {queries:,.0f}, {priced:,.0f}")
                for median, mean, queries, priced in zip(*columns, strict=True)
            )
            rows.append([f"{mark}{changes}{mark}", *cells])
        text += markdown.table(["changed", *budgets], rows) + "\n"
    return text


def main() -> None:
    """Try, choose and report."""
    out = binary.output_file("out")
    names, options = binary.some_of("strategies", VALUES), flags.FLAGS
    benchmark = macro_edge()
    budgets = [task.name for task in benchmark.tasks]
    progress = Progress("tries", options.tries * len(names))
    chosen: dict[str, dict[str, Any]] = {}
    for name in names:
        tries, judged = [], []
        for changes in draw(name, options.tries, seed=0):
            own = run_try(name, settings_of(name, changes), benchmark, range(options.seeds), options.samples)
            judged.append(own)
            tries.append(
                {
                    "changes": dict(changes),
                    "median_regrets": own.medians,
                    "mean_regrets": own.means,
                    "queries_until_near": own.queries,
                    "priced_until_near": own.evaluations,
                }
            )
            # Programs of other settings are of no more use.
            jax.clear_caches()
            done = len(tries) + options.tries * len(chosen)
            progress.update(done, {name: f"median regret at the worst budget {max(own.medians):.3f} points"})
        best = best_of(judged)
        settings = dataclasses.asdict(getattr(settings_of(name, tries[best]["changes"]), name))
        chosen[name] = {"tries": tries, "chosen": best, "settings": settings}
    progress.close()
    text = table(chosen, budgets)
    print(text)
    if out:
        write_whole(pathlib.Path(out).with_suffix(".md"), text)
    benchmark_output.write_result(
        "experiments.tune_strategies",
        {
            "tries": options.tries,
            "seeds": [0, options.seeds - 1],
            "samples": options.samples,
            "budgets": budgets,
            "strategies": chosen,
        },
    )


if __name__ == "__main__":
    use_every_core()
    binary.run(main, define_flags)
