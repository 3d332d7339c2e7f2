"""`dna_optimum.csv`: certified optima of FPGA pipelines in the released model, found by others, against ours."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dna_jax.hardware import fpga
from dna_jax.hardware.validation.table import Comparison, Context, Row, SkippedRow, TableResult, number, row_name, sort_rows
from dna_jax.networks import StatedNetwork
from dna_jax.search.certified import Limits, certified_optimum
from dna_jax.spaces import as_released, fpga_pipeline_space


def optimum_reader(networks: Mapping[str, StatedNetwork]) -> Callable[[Sequence[Row], Context], TableResult]:
    """What evaluates the table, for the networks of its `net_id` column."""

    def read(row: Row):
        network = networks.get(row.get("net_id", ""))
        if network is None:
            raise SkippedRow("dna_networks.json beside the table does not describe the network")
        bits_mode, mode = row.get("bits_mode", "released"), row.get("comp_mode", "")
        if bits_mode not in ("released", "aligned") or mode not in ("fixed", "free"):
            raise SkippedRow("an unknown mode of bits or of compute")
        limits = Limits(number(row, "dsp_limit"), number(row, "bram_limit"))
        targets = number(row, "optimum_fps"), number(row, "resource_free_bound_fps")
        widths = sorted(set(network.bits))
        layers = (network.aligned() if bits_mode == "aligned" else network).released_layers
        space = fpga_pipeline_space(network.plan, widths).fix(as_released(network.plan, widths, mode=mode == "fixed"))
        found = certified_optimum(layers, space, limits, "released")
        bound = fpga.CLOCK_HZ / found.bound_cycles
        return f"{mode} compute mode, {limits.dsp:g} DSP, {limits.bram:g} BRAM", (targets, (found.fps, bound))

    def evaluate(rows: Sequence[Row], context: Context) -> TableResult:
        found = sort_rows(rows, read)
        comparisons = []
        for configuration, entries in found.groups.items():
            values = np.array([content for _, content in entries])
            names = [row_name(index, rows[index]) for index, _ in entries]
            for column, quantity in enumerate(("fps", "fps without limits")):
                columns = values[:, 0, column], values[:, 1, column]
                comparisons.append(Comparison(configuration, quantity, *columns, None, names))
        return TableResult(len(rows), comparisons, sum(map(len, found.groups.values())), found.skipped)

    return evaluate
