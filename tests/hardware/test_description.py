"""Accelerators in YAML: what is left out, what is refused, and that they cost what a template of the same numbers does."""

import itertools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.description import MOST_CANDIDATES, read_accelerator
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates import ACCELERATORS
from dna_jax.workload import Layer

GOOD = """
name: chip
clock_ghz: 0.8
levels:
  - {name: sums, holds: O, capacity_bytes: 4}
  - name: scratchpad
    holds: WIO
    capacity_bytes: 262144
    read_bytes_per_cycle: 64
    write_bytes_per_cycle: 64
    fanouts:
      - {name: rows, size: 16, over: [C]}
      - {name: columns, size: 16, over: [KG, QP]}
  - {name: dram, holds: WIO, read_bytes_per_cycle: 16, ports: shared}
"""

TPU = """
name: tpu
exposed_ends: true
objective: edp
mac_pj: 0.04
mac_mm2: 0
partial_bits: 16
last_order: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN]
levels:
  - {name: sums, holds: O, capacity_bytes: 2, read_bytes_per_cycle: 2, write_bytes_per_cycle: 2, read_pj_per_byte: 0.0105,
     write_pj_per_byte: 0.0105, area_mm2: 0, ports: per_operand, tiles: [SRC, ""]}
  - {name: weights, holds: W, capacity_bytes: 128, read_bytes_per_cycle: 1, write_bytes_per_cycle: 1,
     read_pj_per_byte: 0.095, write_pj_per_byte: 0.095, area_mm2: 0, tiles: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN]}
  - {name: sram, holds: IO, capacity_bytes: 2097152, read_bytes_per_cycle: 256, write_bytes_per_cycle: 256,
     read_pj_per_byte: 1.625625, write_pj_per_byte: 1.478125, area_mm2: 0, tiles: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN],
     fanouts: [{name: rows, size: 32, over: [C]}, {name: columns, size: 32, over: [KG]}]}
  - {name: dram, holds: WIO, read_bytes_per_cycle: 8, write_bytes_per_cycle: 8, read_pj_per_byte: 87.5,
     write_pj_per_byte: 93.75, ports: shared}
"""


def _read(tmp_path: pathlib.Path, text: str):
    path = tmp_path / "chip.yaml"
    path.write_text(text)
    return read_accelerator(path)


def test_a_description_is_what_it_says(tmp_path):
    accelerator = _read(tmp_path, GOOD)
    architecture = accelerator.architecture
    assert architecture.level_names == ("sums", "scratchpad", "dram")
    assert float(architecture.macs) == 256
    assert [float(count) for count in architecture.instances] == [256, 1, 1]
    assert float(architecture.clock_hz) == pytest.approx(0.8e9)
    # Energy and area left out follow from the node.
    assert 0 < float(architecture.read_pj_per_byte[1]) < float(architecture.read_pj_per_byte[2])
    mapped = map_layers(accelerator, [Layer("pointwise", K=64, C=32, P=14, Q=14)])
    assert float(mapped.cost.cycles[0]) >= 64 * 32 * 196 / 256


def test_a_template_written_out_costs_the_same(tmp_path):
    layers = [
        Layer("stem", K=32, C=3, P=112, Q=112, R=3, S=3, stride=2, partial_bits=16),
        Layer("depthwise", K=96, C=96, P=56, Q=56, R=3, S=3, groups=96, partial_bits=16),
        Layer("pointwise", K=160, C=576, P=7, Q=7, partial_bits=16),
    ]
    ours, theirs = map_layers(ACCELERATORS["tpu_like"](), layers), map_layers(_read(tmp_path, TPU), layers)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours.cost, theirs.cost)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clock_ghz: 0.8", "clock: 0.8", "has no key 'clock'"),
        ("clock_ghz: 0.8", "clock_ghz: fast", "clock_ghz must be a number"),
        ("clock_ghz: 0.8", "bits: 2", "bits must be 4 to 32"),
        ("name: chip", "nodes: 1", "has no key 'nodes'"),
        ("capacity_bytes: 262144", "capacity_bytes: -1", "must be positive"),
        ("{name: dram, holds: WIO,", "{name: dram, capacity_bytes: 9, holds: WIO,", "takes no capacity"),
        ("holds: O,", "holds: X,", "must hold some of W, I and O"),
        ("size: 16, over: [C]", "size: 1.5, over: [C]", "must be int"),
        ("over: [C]", "over: [CC]", "once at most"),
        ("over: [C]", "over: C", "must be a list"),
        ("ports: shared", "ports: both", "choose one of read_write"),
        ("name: scratchpad", "name: sums", "two levels have one name"),
        ("clock_ghz: 0.8", "activations_stay_in: moon", "names no level"),
        ("name: chip\n", "", "lacks name"),
        ("name: chip\n", "name: chip\nname: chip\n", "stands twice"),
        ("clock_ghz: 0.8", "clock_ghz: 0", "clock_ghz must be positive"),
        ("clock_ghz: 0.8", "clock_ghz: .nan", "clock_ghz must be positive"),
        ("clock_ghz: 0.8", "node_nm: -5", "node_nm must be positive"),
        ("clock_ghz: 0.8", "mac_pj: -1", "mac_pj must not be negative"),
        ("clock_ghz: 0.8", "fold_cycles: 3", "say with 'stationary' what it keeps"),
        ("clock_ghz: 0.8", "stationary: W", "does not hold W, the stationary"),
        ("clock_ghz: 0.8", "last_order: []", "last_order leaves no mapping"),
        ("over: [C]", "over: []", "leaves no mapping"),
        ("capacity_bytes: 4}", "capacity_bytes: 4, tiles: []}", "leaves no mapping"),
        ("capacity_bytes: 4}", "capacity_bytes: 4, waits: true}", "nothing waits for it"),
        (", capacity_bytes: 4}", "}", "needs capacity_bytes"),
        ("capacity_bytes: 4}", "capacity_bytes: 4, area_mm2: -1}", "area_mm2 of level 'sums' must not be negative"),
        ("{name: dram, holds: WIO,", "{name: dram, holds: W,", "must hold WIO"),
        ("{name: dram, holds: WIO,", "{name: dram, tiles: [SRC], holds: WIO,", "takes no capacity, tiles or waits"),
        ("levels:", "levels: [", "is not YAML"),
    ],
)
def test_errors_say_what_is_wrong(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(UserError, match=message):
        _read(tmp_path, GOOD.replace(old, new, 1))


def test_too_many_alternatives_are_refused(tmp_path):
    many = f"over: [{', '.join(''.join(pair) for pair in itertools.permutations('KGCQPRS', 3))}]"
    with pytest.raises(UserError, match="mappings per layer"):
        _read(tmp_path, GOOD.replace("over: [C]", many).replace("over: [KG, QP]", many))


def test_defaults_shrink_where_levels_and_fan_outs_are_many(tmp_path):
    chip = """
name: chip
levels:
  - {name: sums, holds: O, capacity_bytes: 32}
  - {name: weights, holds: W, capacity_bytes: 256}
  - {name: inputs, holds: I, capacity_bytes: 64}
  - {name: buffer, holds: WIO, capacity_bytes: 131072, fanouts: [{name: rows, size: 12}, {name: columns, size: 14}]}
  - {name: dram, holds: WIO, read_bytes_per_cycle: 16, ports: shared}
"""
    accelerator = _read(tmp_path, chip)
    assert 100 < accelerator.candidates.size <= MOST_CANDIDATES


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_accelerator(tmp_path / "none.yaml", jnp.float32)
