"""`dna_optimum.csv`: certified optima of FPGA pipelines in the released model, found by others, against ours."""

from collections.abc import Sequence

import numpy as np

from dna_jax.hardware import fpga
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows
from dna_jax.search.certified import Limits, certified_optimum
from dna_jax.spaces import as_released, fpga_pipeline_space


def _images_a_second(row: Row) -> float:
    """Of the optimum that a row states; 0 where it states that nothing fits, by 0 or an empty cell."""
    return 0.0 if row.get("optimum_fps") in ("", "0", "0.0") else number(row, "optimum_fps")


def _read(row: Row, context: Context):
    network = context.released_network(row)
    bits_mode, mode = row.get("bits_mode", "released"), row.get("comp_mode", "")
    if bits_mode not in ("released", "aligned") or mode not in ("fixed", "free"):
        raise SkippedRow("an unknown mode of bits or of compute")
    layers = network.aligned_layers if bits_mode == "aligned" else network.layers
    if not layers:
        raise SkippedRow("a network without convolutions")
    limits = Limits(number(row, "dsp_limit"), number(row, "bram_limit"))
    targets = _images_a_second(row), number(row, "resource_free_bound_fps")
    allocation = as_released(network.plan, network.widths, mode=mode == "fixed")
    space = fpga_pipeline_space(network.plan, network.widths).fix(allocation)
    found = certified_optimum(layers, space, limits, "released")
    bound = fpga.CLOCK_HZ / found.bound_cycles
    return f"{mode} compute mode, {limits.dsp:g} DSP, {limits.bram:g} BRAM", (targets, (found.fps, bound))


def evaluate_optima(rows: Sequence[Row], context: Context) -> TableResult:
    """Images a second of the optimum and without limits; and, where nothing fits some of the networks, which these are."""
    found = sort_rows(rows, lambda row: _read(row, context))
    comparisons = []
    for configuration, entries in found.groups.items():
        (stated, stated_bound), (ours, our_bound) = np.array([content for _, content in entries]).transpose(1, 2, 0)
        names = [row_name(index, rows[index]) for index, _ in entries]
        fits = stated > 0
        if fits.any():
            those = [name for name, fit in zip(names, fits, strict=True) if fit]
            comparisons.append(Comparison(configuration, "fps", stated[fits], ours[fits], None, those))
        if not (fits.all() and np.all(ours > 0)):
            alike = np.where(fits == (ours > 0), 1.0, 0.0)
            comparisons.append(Comparison(configuration, "verdict on what fits", np.ones(len(fits)), alike, None, names))
        comparisons.append(Comparison(configuration, "fps without limits", stated_bound, our_bound, None, names))
    return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)
