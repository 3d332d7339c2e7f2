"""The cost model against independent tools, RTL and silicon."""

from dna_jax.hardware.validation.folder import READERS, as_json, validate_folder
from dna_jax.hardware.validation.released_network import ReleasedNetwork
from dna_jax.hardware.validation.table import Comparison, Context, TableResult

__all__ = ["READERS", "Comparison", "Context", "ReleasedNetwork", "TableResult", "as_json", "validate_folder"]
