"""Accelerators that come with the library."""

from collections.abc import Callable

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.templates.data_centric import nvdla_like, shidiannao_like
from dna_jax.hardware.templates.eyeriss import eyeriss, eyeriss256, eyeriss_like
from dna_jax.hardware.templates.gemmini import gemmini, gemmini_template
from dna_jax.hardware.templates.nahas_edge import edge_baseline, nahas_edge
from dna_jax.hardware.templates.systolic import DATAFLOWS, systolic
from dna_jax.hardware.templates.tpu_like import tpu_like

ACCELERATORS: dict[str, Callable[..., Accelerator]] = {
    "nahas_edge": edge_baseline,
    "gemmini": gemmini,
    "eyeriss": eyeriss,
    "eyeriss_like": eyeriss_like,
    "eyeriss256": eyeriss256,
    "tpu_like": tpu_like,
    "nvdla_like": nvdla_like,
    "shidiannao_like": shidiannao_like,
    **{f"systolic_{flow}": (lambda flow=flow, **sizes: systolic(dataflow=flow, **sizes)) for flow in DATAFLOWS},
}
"""Name -> what builds the accelerator; without arguments at its default sizes, with `dtype` in that floating type."""

__all__ = ["ACCELERATORS", "gemmini_template", "nahas_edge"]
