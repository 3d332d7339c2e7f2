"""Designs that a cost model is learned from: drawn from the whole space, and priced as the discrete model has it."""

import dataclasses

import numpy as np
import pytest

from dna_jax.hardware import gemmini_template, nahas_edge
from dna_jax.hardware.correction import rtl_correction
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.search import discrete_cost
from dna_jax.search.learned_cost import label_designs
from dna_jax.search.learned_cost.labels import draw_designs
from dna_jax.spaces import s1

NETWORKS = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
CORRECTED = dataclasses.replace(gemmini_template(), correction=rtl_correction())


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(nahas_edge(), id="nahas_edge"),
        pytest.param(CORRECTED, id="gemmini_corrected", marks=pytest.mark.slow),
    ],
)
def test_labels_are_costs_of_the_discrete_model(template):
    space = s1() | template.space
    designs = label_designs(template, NETWORKS, space, 70, seed=1)
    for row in (0, 35, 69):
        design = space.design(designs.indices[row])
        cost = discrete_cost(template, chosen_layers(NETWORKS, design), design)
        assert designs.latency_ms[row] == pytest.approx(float(cost.latency_s) * 1e3, rel=1e-5)
        assert designs.area_mm2[row] == pytest.approx(float(cost.area_mm2), rel=1e-5)
        assert designs.fits[row] == (float(cost.overflow_bytes) <= 0)


def test_designs_that_do_not_fit_are_told_apart():
    template = gemmini_template()

    def cramped(point, dtype):
        """Hardly a byte of room in the innermost memory."""
        architecture = template.architecture(point, dtype)
        first, *others = architecture.capacity_bytes
        return architecture.replace(capacity_bytes=(first * 1e-6, *others))

    tight = dataclasses.replace(template, architecture=cramped)
    designs = label_designs(tight, NETWORKS, s1() | template.space, 5, seed=0)
    assert not designs.fits.any()


def test_designs_are_drawn_uniformly_with_what_is_fixed_held():
    edge = nahas_edge()
    space = s1() | edge.space.fix({"accelerator.pes_x": 6})
    drawn = draw_designs(space, 6000, seed=0)
    for column, decision in enumerate(space.decisions):
        counts = np.bincount(drawn[:, column], minlength=len(decision.options))
        if decision.name == "accelerator.pes_x":
            assert counts[decision.index(6)] == 6000
        else:
            # Five standard deviations.
            options = len(decision.options)
            assert np.all(np.abs(counts - 6000 / options) <= 5 * np.sqrt(6000 * (options - 1)) / options)
