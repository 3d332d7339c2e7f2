"""What a single DNA network takes over from the network that holds them all."""

import jax

from dna_jax.networks.channel_groups import cut_groups, shuffled_order
from dna_jax.networks.dna_blocks import DnaBlock, DnaLayout
from dna_jax.networks.dna_choices import SUPER_KERNEL
from dna_jax.networks.modules import Variables
from dna_jax.spaces import Operation, operation


def _cut(block: DnaBlock, parts: Operation, layer: str, whole: jax.Array) -> jax.Array:
    """A parameter or statistic of an operation out of that of the super-kernel."""
    if whole.ndim == 0:
        return whole
    hidden = block.in_channels * parts.expansion
    # The super-kernel leaves hidden channels in their order before the shuffle.
    order = shuffled_order(hidden, parts.groups)
    if layer == "expand":
        return cut_groups(whole[:, :hidden], parts.groups)
    if layer == "expand_activation":
        return whole[:hidden]
    if layer == "depthwise":
        margin = (whole.shape[0] - parts.kernel) // 2
        inner = slice(margin, margin + parts.kernel)
        return whole[inner, inner][:, :, order]
    if layer == "depthwise_activation":
        return whole[order]
    if layer == "project":
        return cut_groups(whole[order], parts.groups)
    return whole


def inherited_variables(layout: DnaLayout, variables: Variables, source: Variables) -> Variables:
    """Variables of a single network.

    Args:
      layout: of the family.
      variables: its own (parameters or statistics), for their names.
      source: those of the network that holds them all, in the family's form.
    """
    available = {
        tuple(key.key for key in path if hasattr(key, "key")): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(source)[0]
    }

    def inherited(path: tuple, _: jax.Array) -> jax.Array:
        names = tuple(key.key for key in path if hasattr(key, "key"))
        if names in available:
            return available[names]
        # The path of a candidate: blocks, position, candidates, operation, layer, and what the layer is made of.
        _, position, candidates, chosen, layer, *variable = names
        whole = available["blocks", position, candidates, SUPER_KERNEL, layer, *variable]
        return _cut(layout.blocks[position], operation(chosen), layer, whole)

    return jax.tree_util.tree_map_with_path(inherited, variables)
