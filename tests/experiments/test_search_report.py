"""Tables and sentences of the benchmark: that they say what the figures say."""

import pytest

from experiments.search_report import beside_table, queries_table, ranking, sentences


def _regret(mean, median, spread=0.01):
    return {
        "mean": mean,
        "mean_low": mean - spread,
        "mean_high": mean + spread,
        "median": median,
        "low": median - spread,
        "high": median + spread,
    }


@pytest.fixture
def results():
    """Two budgets; `steady` is better in the mean, `lucky` in the median."""
    regrets = {
        "exact": [(0.0, 0.0), (0.0, 0.0)],
        "lucky": [(0.30, 0.0), (0.10, 0.0)],
        "steady": [(0.05, 0.05), (0.20, 0.05)],
    }
    asked = {"100": None, "250": _regret(0.5, 0.5) | {"ended": False}}
    asked |= {count: _regret(0.4, 0.4) | {"ended": True} for count in ("500", "1000", "5000")}
    strategies = {
        name: {
            str(budget): {"regret": _regret(*own), "regret_at": asked, "until_near": None}
            for budget, own in enumerate(of_budgets)
        }
        for name, of_budgets in regrets.items()
    }
    over = {
        "exact": [(-0.3, -0.4, -0.2), (-0.1, -0.2, 0.0)],
        "steady": [(-0.25, -0.3, -0.2), (0.10, 0.05, 0.15)],
    }
    return {
        "budgets": ["0", "1"],
        "strategies": strategies,
        "over_lucky": {
            name: {str(b): dict(zip(("mean", "low", "high"), cell, strict=True)) for b, cell in enumerate(cells)}
            for name, cells in over.items()
        },
    }


def test_strategies_are_ranked_by_their_worst_budget_and_exact_search_is_none_of_them(results):
    assert ranking(results, "mean") == [("steady", 0.20), ("lucky", 0.30)]
    assert ranking(results, "median") == [("lucky", 0.0), ("steady", 0.05)]


def test_whatever_is_nearer_than_the_default_beyond_chance_is_named(results):
    said = sentences(results, ("lucky",), "random")
    assert any("steady is nearer to the optimum in the mean than lucky at 1 of 2 budgets" in s for s in said)
    assert any("and farther from it at 1." in s for s in said)
    assert not any("exact is nearer" in s for s in said)
    results["over_lucky"]["steady"]["0"]["high"] = 0.01
    assert any("No strategy is nearer" in s for s in sentences(results, ("lucky",), "random"))


def test_tables_have_every_figure(results):
    table = beside_table(results, "lucky")
    assert "| lucky | 0.300 (0.290 to 0.310) | 0.100 (0.090 to 0.110) |" in table
    assert "| steady | -0.250 (-0.300 to -0.200) | +0.100 (+0.050 to +0.150) |" in table
    # Nothing is known before the first step ends, and brackets say that a search has ended.
    assert "| steady | -, - | 0.50, 0.50 | (0.40), (0.40) |" in queries_table(results)


def test_all_are_set_beside_random_search_and_what_each_takes_is_a_ratio(results):
    near = {"lucky": (100, 4000, 0.5), "ppo": (250, 1000, 2.0)}
    results["strategies"]["ppo"] = results["strategies"]["random"] = results["strategies"]["steady"]
    results["strategies"]["differentiable_score"] = results["strategies"]["differentiable"] = results["strategies"]["lucky"]
    for name, key in (("differentiable_score", "lucky"), ("differentiable", "lucky"), ("ppo", "ppo")):
        own = {budget: dict(figures) for budget, figures in results["strategies"][name].items()}
        own["0"]["until_near"] = dict(zip(("accuracy_queries", "cost_evaluations", "wall_seconds"), near[key], strict=True))
        results["strategies"][name] = own
    results["over_random"] = {
        "ppo": {budget: {"mean": -1.5, "low": -2.0, "high": -1.0} for budget in results["budgets"]},
        "unsure": {"0": {"mean": -1.5, "low": -2.0, "high": 1.0}, "1": {"mean": 1.5, "low": 1.0, "high": 2.0}},
    }
    said = "\n".join(sentences(results, ("lucky",), "random"))
    assert "unsure is nearer to the optimum in the mean than random at 0 of 2 budgets beyond chance, and farther" in said
    assert "from it at 1." in said
    assert "ppo is nearer" not in said
    del results["over_random"]["unsure"]
    assert "Every strategy is nearer to the optimum in the mean than random" in "\n".join(
        sentences(results, ("lucky",), "random")
    )
    assert "ppo takes 2.5 to 2.5 times the accuracy queries of differentiable_score (at 1 of 2 budgets" in said
    assert "ppo takes 4 to 4 times the seconds of differentiable_score" in said
    assert "ppo takes 0.25 to 0.25 times the designs priced of differentiable " in said
