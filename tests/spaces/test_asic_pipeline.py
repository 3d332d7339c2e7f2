"""The space of ASIC pipelines: what may be chosen, and what the options mean."""

import math

import jax
import numpy as np
import pytest

from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    allocation_name,
    asic_pipeline_space,
    automatic_schedules,
    chunk_name,
    split_fractions,
)

GROUPS = ("stem", "block_01", "head")


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_cardinality_counts_every_choice(chunks):
    space = asic_pipeline_space(GROUPS, chunks)
    assert space.cardinality == 5 * 66_355_200**chunks * chunks ** len(GROUPS)
    automatic = space.fix(automatic_schedules(chunks))
    assert automatic.cardinality * 64**chunks == space.cardinality
    point = space.sample(jax.random.key(0))
    assert space.decode(space.encode(space.decode(point))) == space.decode(point)


def test_every_chunk_has_the_same_knobs_and_every_group_a_chunk():
    space = asic_pipeline_space(GROUPS, 3)
    names = [decision.name for decision in space.decisions]
    for knob in [knob.name for knob in ARCHITECTURE_KNOBS]:
        assert len({space[chunk_name(chunk, knob)].options for chunk in (1, 2, 3)}) == 1
    assert names[-3:] == [allocation_name(group) for group in GROUPS]
    assert space[allocation_name("head")].options == (1, 2, 3)


def test_fractions_of_every_split_sum_to_one():
    splits = [knob for knob in ARCHITECTURE_KNOBS if knob.name.endswith("_split")]
    assert len(splits) == 2
    for option in [option for knob in splits for option in knob.options]:
        fractions = split_fractions(option)
        assert len(fractions) == 3
        assert math.fsum(fractions) == 1
        assert min(fractions) > 0
    # Weights, inputs, outputs.
    assert split_fractions("5:1:2") == (5 / 8, 1 / 8, 1 / 4)


def test_the_smallest_buffers_hold_one_element_for_each_unit_of_the_largest_array():
    options = {knob.name: knob.options for knob in ARCHITECTURE_KNOBS}
    units = max(options["rows"]) * max(options["columns"])
    half = min(options["buffer_kib"]) * 1024 / 2
    smallest = half * np.min([split_fractions(split) for split in options["buffer_split"]], axis=0)
    # Two bytes for each weight and input, four for each sum.
    assert np.all(smallest >= np.array([2, 2, 4]) * units)


@pytest.mark.parametrize(("groups", "chunks"), [(GROUPS, 0), ((), 3)])
def test_a_pipeline_without_chunks_or_groups_is_refused(groups, chunks):
    with pytest.raises(ValueError, match="at least one chunk and one group"):
        asic_pipeline_space(groups, chunks)
