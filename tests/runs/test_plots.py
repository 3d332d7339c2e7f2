"""Pictures of a run: they say what they show, and hide none of it."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from dna_jax.runs import plots
from dna_jax.search import SearchConfig


@pytest.mark.parametrize(("method", "driving"), [("differentiable", "temperature"), ("one_shot", "reward")])
def test_what_drives_a_search_is_drawn_beside_its_decisions(monkeypatch, tmp_path, method, driving):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure))
    values = {"task_loss": 1.0, "accuracy": 0.5, "network_entropy": 0.9, "accelerator_entropy": 0.1, "latency_ms": 0.2}
    lines = [{"step": step, **values, driving: 0.1 * step} for step in (10, 20)]
    plots.plot_search(lines, {}, SearchConfig(method=method), tmp_path / "search.png")
    (figure,) = drawn
    (axis,) = [axis for axis in figure.axes if axis.get_ylabel() == driving]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [1.0, 2.0])
    plt.close(figure)


@pytest.mark.parametrize(("expected", "title"), [(True, "Cost of the expected network"), (False, "Cost of sampled designs")])
def test_the_search_is_drawn_with_what_was_priced_and_no_legend_over_a_curve(monkeypatch, tmp_path, expected, title):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure))
    costs = {"frame_ms": 0.1, "dsp": 100.0, "latency_ms": 1.0}
    values = {"task_loss": 1.0, "accuracy": 0.5, "network_entropy": 0.9, "accelerator_entropy": 0.1, "temperature": 0.6}
    lines = [{"step": step, **values, **costs} for step in (10, 20)]
    search = SearchConfig(steps=20, warmup_steps=10, expected_network=expected)
    plots.plot_search(lines, {"frame_ms": 0.05, "dsp": 900.0}, search, tmp_path / "search.png")
    (figure,) = drawn
    figure.canvas.draw()
    titles = [axis.get_title() for axis in figure.axes]
    assert [t for t in titles if t] == ["Supernet", title, "Decisions"]
    legends = [axis.get_legend() for axis in figure.axes if axis.get_legend()]
    assert len(legends) == 2
    assert not any(
        legend.get_window_extent().overlaps(axis.get_window_extent()) for legend in legends for axis in figure.axes
    )
    plt.close(figure)
