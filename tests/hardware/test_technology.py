"""Technology tables: exact at their rows, monotone between, sourced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import technology
from dna_jax.hardware.technology.sram import COLUMNS


@pytest.mark.parametrize("node", [22, 45])
@pytest.mark.parametrize("column", COLUMNS)
def test_lookup_reproduces_the_table(node, column):
    ((_, table),) = technology.sram(node).tables
    sizes, widths = np.meshgrid(table.capacity_bytes, table.width_bits, indexing="ij")
    found = table.lookup(column, jnp.asarray(sizes, jnp.float32), jnp.asarray(widths, jnp.float32))
    np.testing.assert_allclose(found, table.figures[column], rtol=1e-4)


def test_area_grows_with_capacity_and_has_a_gradient():
    memories = technology.sram(22)
    sizes = jnp.geomspace(2048, 4 * 2**20, 200)
    area = memories.lookup("area_mm2", sizes)
    assert np.all(np.diff(np.asarray(area)) > 0)
    slope = jax.vmap(jax.grad(lambda c: memories.lookup("area_mm2", c)))(sizes)
    assert np.all(np.asarray(slope) > 0)
    middle = jnp.asarray(3.0e6)
    step = 1e3
    difference = (memories.lookup("area_mm2", middle + step) - memories.lookup("area_mm2", middle - step)) / (2 * step)
    assert float(jax.grad(lambda c: memories.lookup("area_mm2", c))(middle)) == pytest.approx(float(difference), rel=1e-2)


def test_a_four_megabyte_memory_costs_what_cacti_says():
    # Row of third_party/cacti/cacti_sram.csv: 22 nm, 4 MiB, 256 bits: 111.358 pJ per 32-byte read, 3.33162 mm^2.
    memories = technology.sram(22)
    assert float(memories.lookup("read_energy_pJ", jnp.asarray(4.0 * 2**20))) == pytest.approx(111.358, rel=1e-4)
    assert float(memories.lookup("area_mm2", jnp.asarray(4.0 * 2**20))) == pytest.approx(3.33162, rel=1e-4)


def test_a_row_left_out_is_predicted_from_the_others():
    whole, without = technology.sram(22), technology.sram(22, without=(65536.0, 128.0))
    size = jnp.asarray(65536.0)
    known, guessed = (float(memories.lookup("area_mm2", size, 128.0)) for memories in (whole, without))
    assert guessed != known
    assert guessed == pytest.approx(known, rel=0.1)
    # Elsewhere nothing changes.
    assert float(without.lookup("area_mm2", jnp.asarray(2048.0), 32.0)) == pytest.approx(
        float(whole.lookup("area_mm2", jnp.asarray(2048.0), 32.0))
    )


def test_other_nodes_lie_where_their_note_says():
    size = jnp.asarray(262144.0)
    small, between, large, beyond = (float(technology.sram(n).lookup("area_mm2", size)) for n in (22, 32, 45, 65))
    assert small < between < large < beyond
    assert technology.sram(22).note == ""
    assert "interpolated between 22 and 45 nm" in technology.sram(32).note
    assert "extrapolated from 22 and 45 nm" in technology.sram(65).note
    # A power law: equal steps of log(node) are equal factors.
    third = float(technology.sram(45 * 45 / 22).lookup("area_mm2", size))
    assert third / large == pytest.approx(large / small, rel=1e-4)


def test_arithmetic_shrinks_with_the_node_and_grows_with_the_width():
    old, new = technology.arithmetic(45), technology.arithmetic(22)
    assert new.mac_mm2 / old.mac_mm2 == pytest.approx((22 / 45) ** 2)
    assert 0 < new.mac_pj < old.mac_pj == pytest.approx(0.5608)
    widths = [technology.arithmetic(45, bits) for bits in (4, 8, 16, 32)]
    assert np.all(np.diff([w.mac_pj for w in widths]) > 0)
    assert np.all(np.diff([w.mac_mm2 for w in widths]) > 0)
    with pytest.raises(ValueError, match="4 to 32"):
        technology.arithmetic(45, 2)


def test_narrow_factors_on_an_8_bit_unit_take_what_a_narrow_unit_would():
    unit = technology.arithmetic(22)
    for bits in (4, 6, 8):
        saved = (1 - float(technology.multiplying_share(jnp.asarray(bits), jnp.asarray(bits)))) * unit.multiplier_pj
        assert unit.mac_pj - saved == pytest.approx(technology.arithmetic(22, bits).mac_pj)
    # Each width counts, and where there are no weights the unit works as wide as it is.
    assert float(technology.multiplying_share(jnp.asarray(4), jnp.asarray(8))) == 0.5
    assert float(technology.multiplying_share(jnp.asarray(0), jnp.asarray(4))) == 1


def test_memories_of_all_sizes_have_a_price():
    figures = [technology.memory_figures(22, size) for size in (4, 255, 4096, 2**20)]
    assert all(f.read_pj_per_byte > 0 for f in figures)
    assert np.all(np.diff([f.area_mm2 for f in figures]) > 0)
    dram = technology.memory_figures(22, float("inf"))
    assert dram.area_mm2 == 0
    assert dram.read_pj_per_byte > max(f.read_pj_per_byte for f in figures)
