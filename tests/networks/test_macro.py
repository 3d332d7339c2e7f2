"""Networks of NAS-Bench-Macro: what they cost, against the published table."""

import numpy as np

from dna_jax.accuracy import macro_table
from dna_jax.networks import MacroSpecification, chosen_layers

SPECIFICATION = MacroSpecification()


def test_parameters_and_multiply_accumulates_of_all_networks_are_those_of_the_table():
    table = macro_table()
    assert len(table.macs) == 3**8
    conditional = SPECIFICATION.conditional_layers()
    # Both add up over options of layers, so that 25 networks with one layer changed give those of all.
    for network in (np.zeros(8, int), np.full(8, 2)):
        design = table.space.design(network)
        row = int(network @ 3 ** np.arange(7, -1, -1))
        assert SPECIFICATION.count_parameters(design) == table.parameters[row]
    totals = {}
    for name, of in (("macs", _macs), ("parameters", _parameters)):
        options = np.array(
            [
                [sum(of(row.layer) for row in conditional if row.needs == {d.name: option}) for option in d.options]
                for d in table.space.decisions
            ]
        )
        shared = sum(of(row.layer) for row in conditional if not row.needs)
        totals[name] = shared + options[np.arange(8), table.space.grid()].sum(axis=1)
    assert np.array_equal(totals["macs"], table.macs)
    assert np.array_equal(totals["parameters"], table.parameters)


def _macs(layer):
    return layer.macs if layer.weight_bits else 0


def _parameters(layer):
    if not layer.weight_bits:
        return 0
    kernel = layer.K * layer.C // layer.groups * layer.R * layer.S
    return kernel + (SPECIFICATION.classes if layer.name == "classifier" else 2 * layer.K)


def test_counted_parameters_of_random_networks():
    table = macro_table()
    for row in np.random.default_rng(0).integers(0, len(table.macs), 60):
        design = table.space.design(table.space.grid()[row])
        assert SPECIFICATION.count_parameters(design) == table.parameters[row]
        layers = chosen_layers(SPECIFICATION, design)
        assert sum(layer.macs for layer in layers if layer.weight_bits) == table.macs[row]


def test_maps_halve_and_channels_double_in_the_first_layer_of_each_stage():
    layers = {row.layer.name: row.layer for row in SPECIFICATION.conditional_layers()}
    for first, channels, size in ((1, 64, 16), (3, 128, 8), (6, 256, 4)):
        assert (channels, size) == (layers[f"layer_{first}.project"].K, layers[f"layer_{first}.project"].P)
        assert layers[f"layer_{first}.identity"].stride == 2
    assert "layer_2.identity" not in layers
