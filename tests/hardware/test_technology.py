"""Technology tables: exact at their rows, monotone between, sourced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import technology


@pytest.mark.parametrize("node", [22, 45])
@pytest.mark.parametrize("column", ["read_pj_per_byte", "write_pj_per_byte", "area_mm2"])
def test_lookup_reproduces_the_table(node, column):
    table = technology.sram_table(node)
    found = table.lookup(column, jnp.asarray(table.capacity_bytes, jnp.float32))
    np.testing.assert_allclose(found, getattr(table, column), rtol=1e-4)


def test_area_grows_with_capacity_and_has_a_gradient():
    table = technology.sram_table(22)
    sizes = jnp.geomspace(2048, 4 * 2**20, 200)
    area = table.lookup("area_mm2", sizes)
    assert np.all(np.diff(np.asarray(area)) > 0)
    slope = jax.vmap(jax.grad(lambda c: table.lookup("area_mm2", c)))(sizes)
    assert np.all(np.asarray(slope) > 0)
    middle = jnp.asarray(3.0e6)
    step = 1e3
    difference = (table.lookup("area_mm2", middle + step) - table.lookup("area_mm2", middle - step)) / (2 * step)
    assert float(jax.grad(lambda c: table.lookup("area_mm2", c))(middle)) == pytest.approx(float(difference), rel=1e-2)


def test_a_four_megabyte_memory_costs_what_cacti_says():
    # Row of third_party/cacti/sram.csv: 22 nm, 4 MiB, 256 bits: 111.358 pJ per 32-byte read, 3.33162 mm^2.
    table = technology.sram_table(22)
    assert float(table.lookup("read_pj_per_byte", jnp.asarray(4.0 * 2**20))) == pytest.approx(111.358 / 32, rel=1e-4)
    assert float(table.lookup("area_mm2", jnp.asarray(4.0 * 2**20))) == pytest.approx(3.33162, rel=1e-4)


def test_arithmetic_shrinks_with_the_node():
    old, new = technology.arithmetic(45), technology.arithmetic(22)
    assert new.mac_mm2 / old.mac_mm2 == pytest.approx((22 / 45) ** 2)
    assert 0 < new.mac_pj < old.mac_pj == pytest.approx(0.5608)


def test_unknown_nodes_are_named():
    with pytest.raises(ValueError, match=r"choose one of \[22, 45\]"):
        technology.sram_table(7)
    with pytest.raises(ValueError, match="choose one of"):
        technology.arithmetic(7)
