"""The search of ASIC pipelines: better than random at equal pricing, within the budget, never below the bound."""

import dataclasses

import numpy as np
import pytest

from dna_jax.hardware.asic import group_names, price_designs
from dna_jax.search.asic_search import AsicSearchConfig, search_asic_pipeline
from dna_jax.spaces import asic_pipeline_space
from dna_jax.workload import Layer

SHAPES = [
    Layer("expand", K=96, C=16, P=56, Q=56),
    Layer("depthwise", K=96, C=96, P=28, Q=28, R=3, S=3, stride=2, groups=96),
    Layer("project", K=24, C=96, P=28, Q=28),
]
LAYERS = [dataclasses.replace(shape, name=f"block_{block:02d}.{shape.name}") for block in range(12) for shape in SHAPES]
SPACE = asic_pipeline_space(group_names(LAYERS), 3)
CONFIG = AsicSearchConfig(starts=2, steps=40)


def test_the_search_beats_random_designs_and_keeps_the_budget():
    area = 1.5
    result = search_asic_pipeline(SPACE, LAYERS, area, CONFIG)
    assert result.design is not None
    assert result.cost is not None
    assert result.cost.area_mm2 <= area * (1 + 1e-6)
    assert result.cost.edp >= result.bound.edp
    assert result.gap == pytest.approx(result.cost.edp / result.bound.edp - 1)
    assert result.cost.edp == pytest.approx(result.best_of_starts.min(), rel=1e-3)

    # A step prices 36 sets of sizes of each chunk.
    generator = np.random.default_rng(0)
    number = CONFIG.starts * CONFIG.steps * 36
    indices = np.stack([generator.integers(len(d.options), size=number) for d in SPACE.decisions], axis=1)
    random = price_designs(SPACE, LAYERS, indices, objective="edp")
    assert result.cost.edp < random.edp[random.area_mm2 <= area].min()


def test_a_budget_that_nothing_meets_is_reported_as_such():
    result = search_asic_pipeline(SPACE, LAYERS, 0.1, CONFIG)
    assert result.design is None
    assert np.isinf(result.bound.edp)


@pytest.mark.parametrize("wrong", [{"goal": "speed"}, {"starts": 0}, {"steps": 0}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"goal|at least 1 start"):
        AsicSearchConfig(**wrong)
