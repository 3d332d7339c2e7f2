"""Parts of pipelines held fixed: what remains of the knobs, and proven optima of what remains against brute force."""

import dataclasses
import itertools

import numpy as np
import pytest

from dna_jax.hardware.fpga import evaluate_pipeline
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import Limits, certified_optimum, recheck
from dna_jax.spaces import PARTS, baseline_pipeline, boundary_name, fpga_pipeline_space, hold_parts

SUBSETS = [parts for size in range(len(PARTS) + 1) for parts in itertools.combinations(PARTS, size)]


def test_what_remains_of_the_knobs():
    space, design = fpga_pipeline_space("cifar", (8,)), baseline_pipeline("cifar", (8,))
    knob = "accelerator.a0q8.outputs"
    assert design[knob] == "8/4"
    assert hold_parts(space, design, ()) == space
    assert hold_parts(space, design, ("tiles",))[knob].options == ("8/1", "8/2", "8/4", "8/8")
    assert hold_parts(space, design, ("unrolled",))[knob].options == ("4/4", "8/4")
    everything = hold_parts(space, design, PARTS)
    assert everything.cardinality == 1
    assert everything.design(everything.grid()[0]) == design
    # What a part leaves alone stays as it was: nine allocations, three compute modes of two chunks and two of two others.
    assert hold_parts(space, design, ("modes", "tiles", "unrolled")).cardinality == 9
    assert hold_parts(space, design, ("allocation", "tiles", "unrolled")).cardinality == 3**2 * 2**2


def test_a_design_that_is_none_of_the_space_is_refused():
    space, design = fpga_pipeline_space("cifar", (8,)), baseline_pipeline("cifar", (8,))
    with pytest.raises(ValueError, match="has no option '64/64'"):
        hold_parts(space, design | {"accelerator.a0q8.outputs": "64/64"}, ("tiles",))
    with pytest.raises(KeyError):
        hold_parts(space, baseline_pipeline("cifar", (4,)), ("tiles",))


def _shrunken():
    """216 pipelines for one width, in which every part is free."""
    kept = {
        boundary_name(False): (8, 16),
        "accelerator.a0q8.outputs": ("4/4", "8/4", "8/8"),
        "accelerator.a1q8.outputs": ("4/4", "32/4", "32/16"),
        "accelerator.dwa0q8.rows": ("8/4", "16/4", "16/16"),
        "accelerator.dwa0q8.outputs": ("8/4", "8/8"),
        "accelerator.dwa0q8.parallel": ("channels", "rows"),
    }
    space, design = fpga_pipeline_space("cifar", (8,)), baseline_pipeline("cifar", (8,))
    decisions = [dataclasses.replace(d, options=kept.get(d.name, (design[d.name],))) for d in space.decisions]
    return dataclasses.replace(space, decisions=tuple(decisions))


def _part(name, value, part):
    """What a part says of a decision, None if nothing."""
    if "large_rows" in name:
        return value if part == "allocation" else None
    if name.endswith("parallel"):
        return value if part == "modes" else None
    tile, unrolled = value.split("/")
    return {"tiles": tile, "unrolled": unrolled}.get(part)


def test_held_optima_are_those_of_brute_force_and_never_better_than_free_ones():
    (network,) = [n for n in read_networks(THIRD_PARTY / "auto_nba" / "dna_networks.json") if n.name == "cifar_large8"]
    layers, space = network.layers, _shrunken()
    designs = [space.design(row) for row in space.grid()]
    assert len(designs) == space.cardinality == 216
    costs = [evaluate_pipeline(layers, design)[1] for design in designs]
    fps, dsp, bram = np.array([(float(c.fps), float(c.dsp), float(c.bram)) for c in costs]).T
    limits = Limits(float(np.quantile(dsp, 0.5)), float(np.quantile(bram, 0.5)))
    fits = (dsp <= limits.dsp) & (bram <= limits.bram)
    seen = set()
    for held in (int(np.argmin(bram)), int(np.argmax(fps))):
        best = {}
        for parts in SUBSETS:
            agree = [
                all(_part(n, v, part) == _part(n, designs[held][n], part) for n, v in design.items() for part in parts)
                for design in designs
            ]
            expected = fps[fits & agree].max(initial=0)
            own = hold_parts(space, designs[held], parts)
            assert own.cardinality == sum(agree)
            found = certified_optimum(layers, own, limits)
            assert found.fps == pytest.approx(expected, rel=1e-12)
            assert recheck(found, layers, own) == []
            best[parts] = found.fps
            assert all(found.fps <= best[fewer] for fewer in best if set(fewer) <= set(parts))
        assert best[PARTS] == pytest.approx(fps[held] if fits[held] else 0, rel=1e-12)
        seen |= {round(value, 6) for value in best.values()}
    # Nothing fits in some cases, and parts differ in what they are worth.
    assert 0 in seen
    assert len(seen) > 4
