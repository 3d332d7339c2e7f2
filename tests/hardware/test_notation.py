"""Mappings in writing: read, printed, and refused with the piece that is wrong."""

import dataclasses

import jax
import numpy as np
import pytest

from dna_jax.hardware import format_mapping, parse_mapping
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates import ACCELERATORS
from dna_jax.hardware.templates.gemmini import gemmini_architecture
from dna_jax.workload import DIMENSIONS, Layer

TEXT = "L3[WIO] C256 K64 Q7 S3 - L2[WI] N1 K2X - L1[O] K4 R3 C2 Q2 P14 - L0[W] N1"


def test_reading_puts_factors_where_they_stand():
    mapping = parse_mapping(TEXT, gemmini_architecture(2.0, 1024.0, 4096.0))
    d = DIMENSIONS.index
    assert mapping.temporal[3, d("C")] == 256
    assert mapping.temporal[1, d("P")] == 14
    assert mapping.temporal[2].max() == 1
    # K lies over the columns, the fan-out below the scratchpad.
    assert mapping.spatial[1, d("K")] == 2
    assert mapping.spatial[0].max() == 1
    # Innermost first: what is written last runs innermost.
    assert [DIMENSIONS[x] for x in mapping.order[3][:4]] == ["S", "Q", "K", "C"]
    assert all(sorted(row) == list(range(8)) for row in mapping.order)


@pytest.mark.parametrize(
    "name",
    # One mapper for all: that of the largest spaces of mappings takes long.
    [pytest.param(name, marks=pytest.mark.slow) if name in ("eyeriss", "eyeriss_like") else name for name in ACCELERATORS],
)
def test_what_is_printed_reads_as_the_same_mapping(name):
    accelerator = ACCELERATORS[name]()
    layer = Layer("grouped", K=96, C=48, P=14, Q=14, R=3, S=3, groups=2, partial_bits=8)
    mapped = map_layers(accelerator, [layer])
    mapping = jax.tree.map(lambda leaf: leaf[0], mapped.mapping)
    again = parse_mapping(format_mapping(mapping, accelerator.architecture), accelerator.architecture)
    np.testing.assert_array_equal(again.temporal, np.round(mapping.temporal))
    np.testing.assert_array_equal(again.spatial, mapping.spatial)
    # Loops of one have no place; the others keep their order.
    for level, row in enumerate(mapping.temporal):
        kept = [x for x in mapping.order[level] if row[x] > 1]
        assert [x for x in again.order[level] if row[x] > 1] == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("L9[WIO] C2", "names no level"),
        ("L3 C2", "names no level"),
        ("L3[W] C2", "does not hold"),
        ("L3[WIO] C", "is no loop"),
        ("L3[WIO] Z3", "is no loop"),
        ("L3[WIO] C2 K2 C3", "loops twice"),
        ("L3[WIO] C2X", "0 fan-outs below"),
        ("L2[WI] C2Y", "1 fan-outs below"),
    ],
)
def test_errors_name_the_piece(text, message):
    with pytest.raises(ValueError, match=message):
        parse_mapping(text, gemmini_architecture(2.0, 1024.0, 4096.0))


def test_levels_have_names_too():
    architecture = gemmini_architecture(2.0, 1024.0, 4096.0)
    by_name = parse_mapping("dram[WIO] C256 - accumulator[O] P14 C2X", architecture)
    by_number = parse_mapping("L3[WIO] C256 - L1[O] P14 C2X", architecture)
    for field in dataclasses.fields(by_name):
        np.testing.assert_array_equal(getattr(by_name, field.name), getattr(by_number, field.name))
