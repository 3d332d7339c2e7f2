"""Fit the correction of Gemmini's cycles to all simulated layers and write its weights, as `cost.correction=rtl` reads them.

python -m experiments.fit_correction --out=dna_jax/hardware/correction/gemmini_rtl.npz
"""

import csv
import hashlib
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.correction import corrected_cycles, fit_correction, save_correction
from dna_jax.hardware.validation.gemmini_rtl import TABLE, simulated_layers
from dna_jax.runs import binary


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("table", str(TABLE), "Table of simulated layers, in the format of the default.")
    flags.DEFINE_string("out", None, "File (.npz) to write.")


def main() -> None:
    """Fit, report and write."""
    table, out = pathlib.Path(flags.FLAGS.table), binary.output_file("out")
    if out is None or out.suffix != ".npz":
        raise UserError("Pass --out=FILE.npz, the file to write.")
    if not table.is_file():
        raise UserError(f"--table={table} is no file; name a table of simulated layers.")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    with jax.enable_x64(True):
        found = simulated_layers(rows)
    if found is None:
        raise UserError(f"--table={table} has no row that can be read; compare its columns with those of {TABLE}.")
    counts = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), found.counts)
    correction = fit_correction(counts, jnp.asarray(found.cycles, jnp.float32))
    error = np.abs(np.asarray(corrected_cycles(correction, counts)) / found.cycles - 1)
    print(f"{len(error)} layers fitted; median error on these same layers {100 * np.median(error):.1f} %")
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    save_correction(correction, out, table=table.name, table_sha256=digest, jax=jax.__version__)


if __name__ == "__main__":
    binary.run(main, define_flags)
