"""Tables and sentences of the benchmark of search strategies."""

from collections.abc import Mapping, Sequence
from typing import Any

from dna_jax.benchmarks import Curve
from dna_jax.benchmarks.figures import FIXED, NEAR
from experiments import markdown

Results = Mapping[str, Any]
"""Of `experiments.benchmark_search`."""


def regret_table(results: Results) -> str:
    """Markdown: median regret with its interval, and, where not all end within the budgets, the share that does and by how
    much answers exceed them in the mean, of each strategy at each budget."""
    rows = []
    for name, of_budgets in results["strategies"].items():
        cells = []
        for budget in results["budgets"]:
            own = of_budgets[budget]
            regret, share = own["regret"], own["feasible_share"]
            feasible = (
                "" if share == 1 else f", {100 * share:.0f} % feasible, {markdown.two_digits(100 * own['excess'])} % beyond"
            )
            cells.append(f"{regret['median']:.2f} ({regret['low']:.2f} to {regret['high']:.2f}){feasible}")
        rows.append([name, *cells])
    optimum = [f"{budget}: {results['optimum'][budget]['accuracy']:.2f} %" for budget in results["budgets"]]
    return markdown.table(["strategy", *optimum], rows)


def _range(counts: Sequence[float]) -> str:
    """The least and the largest count over budgets; one number where they are equal."""
    least, most = f"{min(counts):,.0f}", f"{max(counts):,.0f}"
    return least if least == most else f"{least} to {most}"


def effort_table(results: Results) -> str:
    """Markdown: what a search takes, its hypervolume, and what it takes to come near the optimum at each budget."""
    rows = []
    for name, of_budgets in results["strategies"].items():
        near = [of_budgets[budget]["until_near"] for budget in results["budgets"]]
        volume = [of_budgets[budget]["hypervolume_ratio"] for budget in results["budgets"]]
        beyond = [100 * of_budgets[budget]["tried_beyond_share"] for budget in results["budgets"]]
        rows.append(
            [
                name,
                _range([of_budgets[budget]["accuracy_queries"] for budget in results["budgets"]]),
                _range([of_budgets[budget]["cost_evaluations"] for budget in results["budgets"]]),
                f"{of_budgets[results['budgets'][0]]['wall_seconds']:.3g}",
                f"{min(volume):.2f} to {max(volume):.2f}",
                # Of all designs those on the front stand for what exact search tries.
                "-" if name == "exact" else f"{min(beyond):.0f} to {max(beyond):.0f}",
                ", ".join("-" if spent is None else f"{spent['accuracy_queries']:,.0f}" for spent in near),
                ", ".join("-" if spent is None else f"{spent['cost_evaluations']:,.0f}" for spent in near),
                ", ".join("-" if spent is None else f"{spent['wall_seconds']:.2g}" for spent in near),
            ]
        )
    head = [
        "strategy",
        "accuracy queries",
        "designs priced",
        "seconds of one search",
        "hypervolume ratio",
        "designs tried beyond a budget (%)",
        f"queries until the median regret stays within {NEAR:.2f}",
        "designs priced until then",
        "seconds until then",
    ]
    return markdown.table(head, rows)


def beside_table(results: Results, reference: str) -> str:
    """Markdown: mean regret of one strategy at each budget, and of each other one how much larger its own is."""
    budgets, rows = results["budgets"], []
    own = [results["strategies"][reference][budget]["regret"] for budget in budgets]
    rows.append([reference, *(f"{r['mean']:.3f} ({r['mean_low']:.3f} to {r['mean_high']:.3f})" for r in own)])
    for name, of_budgets in results[f"over_{reference}"].items():
        cells = [of_budgets[budget] for budget in budgets]
        rows.append([name, *(f"{c['mean']:+.3f} ({c['low']:+.3f} to {c['high']:+.3f})" for c in cells)])
    return markdown.table([f"mean regret of {reference}; of others more than that", *budgets], rows)


def _at_queries(own: Mapping[str, Any] | None) -> str:
    if own is None:
        return "-"
    return f"({own['mean']:.2f})" if own["ended"] else f"{own['mean']:.2f}"


def queries_table(results: Results) -> str:
    """Markdown: mean regret of each strategy when it has asked for so many accuracies, at each budget; in brackets where it
    asks for fewer and has ended."""
    rows = []
    for name, of_budgets in results["strategies"].items():
        cells = []
        for count in FIXED:
            reached = [of_budgets[budget]["regret_at"][str(count)] for budget in results["budgets"]]
            cells.append(", ".join(_at_queries(own) for own in reached))
        rows.append([name, *cells])
    return markdown.table(["mean regret after queries, by budget", *(f"{count:,}" for count in FIXED)], rows)


def ranking(results: Results, statistic: str) -> list[tuple[str, float]]:
    """Strategies that search from the best down, by the largest over budgets of the "mean" or "median" regret."""
    worst = {
        name: max(of_budgets[budget]["regret"][statistic] for budget in results["budgets"])
        for name, of_budgets in results["strategies"].items()
        if name != "exact"
    }
    return sorted(worst.items(), key=lambda item: item[1])


def sentences(results: Results, defaults: Sequence[str], baseline: str) -> list[str]:
    """What the figures say in words: which strategies are best, whether any is better than the defaults, by how much sooner
    those that follow gradients come near the optimum than others, and which are no better than a baseline."""
    said = []
    for statistic in ("mean", "median"):
        first = ", ".join(f"{name} ({regret:.3f})" for name, regret in ranking(results, statistic)[:5])
        said.append(f"Least {statistic} regret at their worst budget, in points of accuracy: {first}.")
    strategies = results["strategies"]
    for default in defaults:
        if default in strategies:
            said += _beside_default(results, default)
    for name, rival, spent, unit in (
        ("differentiable", "ppo", "wall_seconds", "seconds"),
        ("differentiable", "ppo", "cost_evaluations", "designs priced"),
        ("differentiable", "evolution_exact", "wall_seconds", "seconds"),
        ("differentiable", "evolution_exact", "accuracy_queries", "accuracy queries"),
        ("differentiable_score", "ppo", "wall_seconds", "seconds"),
        ("differentiable_score", "ppo", "accuracy_queries", "accuracy queries"),
        ("differentiable_score", "evolution_tuned", "accuracy_queries", "accuracy queries"),
        ("differentiable_surrogate", "ppo", "accuracy_queries", "accuracy queries"),
        ("differentiable_surrogate", "evolution_tuned", "accuracy_queries", "accuracy queries"),
        ("differentiable_surrogate", "surrogate_drawn", "accuracy_queries", "accuracy queries"),
    ):
        if name in strategies and rival in strategies:
            said += _ratios(results, name, rival, spent, unit)
    if baseline in strategies:
        said += _beside_baseline(results, baseline)
    return said


def report(results: Results, defaults: Sequence[str], baseline: str) -> str:
    """Markdown: all tables, and what they say in words. What was not compared is left out."""
    tables = [regret_table(results), effort_table(results), queries_table(results)]
    tables += [beside_table(results, name) for name in (*defaults, baseline) if f"over_{name}" in results]
    text = "".join(f"{table}\n" for table in tables)
    return text + "".join(f"- {sentence}\n" for sentence in sentences(results, defaults, baseline))


def _beside(results: Results, reference: str) -> dict[str, tuple[int, int]]:
    """At how many budgets each strategy is nearer to the optimum in the mean than a reference and farther beyond chance."""
    return {
        name: (sum(own["high"] < 0 for own in of_budgets.values()), sum(own["low"] > 0 for own in of_budgets.values()))
        for name, of_budgets in results[f"over_{reference}"].items()
    }


def _beside_default(results: Results, default: str) -> list[str]:
    """Which strategies are nearer to the optimum in the mean than a default, where chance does not explain it."""
    said = [
        f"{name} is nearer to the optimum in the mean than {default} at {nearer} of {len(results['budgets'])} budgets "
        f"beyond chance, and farther from it at {farther}."
        for name, (nearer, farther) in _beside(results, default).items()
        if nearer and name != "exact"
    ]
    return said or [f"No strategy is nearer to the optimum in the mean than {default} beyond chance."]


def _ratios(results: Results, name: str, rival: str, spent: str, unit: str) -> list[str]:
    """How much more a rival spends until it is near the optimum."""
    ratios = []
    for budget in results["budgets"]:
        own, other = (results["strategies"][which][budget]["until_near"] for which in (name, rival))
        if own is not None and other is not None:
            ratios.append(other[spent] / own[spent])
    if not ratios:
        return [f"{name} and {rival} are not both within {NEAR:.2f} points of any optimum."]
    least, most = map(markdown.two_digits, (min(ratios), max(ratios)))
    return [
        f"Until the median regret stays within {NEAR:.2f} points, {rival} takes {least} to {most} times the {unit} of "
        f"{name} (at {len(ratios)} of {len(results['budgets'])} budgets both get there)."
    ]


def _beside_baseline(results: Results, baseline: str) -> list[str]:
    """Which strategies are not nearer to the optimum in the mean than a baseline beyond chance, or even farther from it."""
    budgets = len(results["budgets"])
    said = [
        f"{name} is nearer to the optimum in the mean than {baseline} at {nearer} of {budgets} budgets beyond chance, and "
        f"farther from it at {farther}."
        for name, (nearer, farther) in _beside(results, baseline).items()
        if nearer < budgets
    ]
    return said or [f"Every strategy is nearer to the optimum in the mean than {baseline} at every budget, beyond chance."]


def rounded(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, Any]:
    """Curves as JSON-like values, with as many digits as mean something."""
    return {
        name: {
            budget: {key: [float(f"{value:.6g}") for value in values] for key, values in vars(own).items()}
            for budget, own in of_budgets.items()
        }
        for name, of_budgets in curves.items()
    }
