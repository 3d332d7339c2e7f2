"""The super-kernel network of `dna_jax.networks.dna` in PyTorch: the same parameters, choices, roundings and gradients.

A function of parameters and of a point, so that a step that leaves the weights alone passes them detached. Images are
[batch, channels, height, width], held with channels last; kernels are laid out as PyTorch has them. Tensors are named as
there: blocks/0/candidates/super_kernel/expand/kernel.
"""

import dataclasses
import math
from collections.abc import Callable

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]
from torch_quantization import Precision, quantize_activations, quantize_weights  # pyright: ignore[reportMissingImports]

CLASSES = 10
WIDTHS = (4, 6, 8)
FIXED_BITS = 8
OPERATIONS = ((3, 1, 1), (3, 1, 2), (3, 3, 1), (3, 6, 1), (5, 1, 1), (5, 1, 2), (5, 3, 1), (5, 6, 1))
"""Kernel, expansion and groups of each; a ninth operation is the skip."""

KERNEL, EXPANSION, GROUPS = 5, 6, 2
EXPANSIONS = (1, 3, 6)
BATCH_NORM_EPSILON = 1e-3
_STEM, _HEAD = 16, 1504
_STAGES = ((16, 1, 1), (24, 4, 1), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
"""Channels, blocks and stride of the first of them."""

Parameters = dict[str, torch.Tensor]


@dataclasses.dataclass(frozen=True)
class Block:
    """One searchable block: its channels and the stride of its depthwise convolution."""

    in_channels: int
    out_channels: int
    stride: int

    @property
    def keeps_shape(self) -> bool:
        """Whether the input is added to the output, and a skip is the identity."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def last_norm(self) -> str:
        """Name of the normalisation of its output."""
        return "residual_norm" if self.keeps_shape else "project_norm"


def _scaled(channels: int, width: float) -> int:
    return channels if width == 1 else max(4, 4 * round(channels * width / 4))


def _batch_norm(x: torch.Tensor, parameters: Parameters, name: str) -> torch.Tensor:
    scale, bias = parameters[f"{name}/scale"], parameters[f"{name}/bias"]
    return functional.batch_norm(x, None, None, scale, bias, training=True, eps=BATCH_NORM_EPSILON)


def _convolve(x: torch.Tensor, weight: torch.Tensor, stride: int = 1, groups: int = 1) -> torch.Tensor:
    """Zero padding to ceil(size / stride), the odd zero behind."""
    side = weight.shape[-1]
    total = [max((math.ceil(size / stride) - 1) * stride + side - size, 0) for size in x.shape[2:]]
    if any(zeros % 2 for zeros in total):
        (top, left), (bottom, right) = [zeros // 2 for zeros in total], [zeros - zeros // 2 for zeros in total]
        return functional.conv2d(functional.pad(x, (left, right, top, bottom)), weight, stride=stride, groups=groups)
    return functional.conv2d(x, weight, stride=stride, padding=[zeros // 2 for zeros in total], groups=groups)


def _super_kernel(
    block: Block,
    own: Parameters,
    masks: Parameters,
    x: torch.Tensor,
    quantized: torch.Tensor,
    at: Precision,
    given: torch.Tensor,
) -> torch.Tensor:
    """Output of the super-kernel; `given` are the shares of kernels, expansions and groups [6]."""
    channels, grouped = block.in_channels, given[5]
    leading = given[[2, 3, 3, 4, 4, 4]].repeat_interleave(channels)
    counted = (leading.detach() > 0).to(leading.dtype)
    expand, project = own["super_kernel/expand/kernel"], own["super_kernel/project/kernel"]
    apart = 1 - grouped * masks["apart_expand"]
    expand = torch.cat([expand[:channels] * apart, expand[channels:]])
    depthwise = own["super_kernel/depthwise/kernel"] * (given[:2, None, None] * masks["rings"]).sum(0)
    apart = 1 - grouped * masks["apart_project"]
    rest = project[:, channels:] * leading[channels:, None, None]
    project = torch.cat([project[:, :channels] * apart, rest], dim=1)
    y = _convolve(quantized, quantize_weights(expand, at, counted))
    y = torch.relu(_batch_norm(y, own, "super_kernel/expand_activation/norm"))
    y = quantize_activations(y, at, signed=False, counted=counted)
    y = _convolve(y, quantize_weights(depthwise, at, counted), block.stride, groups=channels * EXPANSION)
    y = torch.relu(_batch_norm(y, own, "super_kernel/depthwise_activation/norm"))
    y = quantize_activations(y, at, signed=False, counted=counted)
    y = _convolve(y, quantize_weights(project, at))
    y = _batch_norm(y, own, f"super_kernel/{block.last_norm}")
    return x + y if block.keeps_shape else y


def _skip(block: Block, own: Parameters, x: torch.Tensor, quantized: torch.Tensor, at: Precision) -> torch.Tensor:
    if block.keeps_shape:
        return x
    kernel = quantize_weights(own["skip/pointwise/kernel"], at)
    return torch.relu(_batch_norm(_convolve(quantized, kernel, block.stride), own, "skip/norm"))


def block_output(
    block: Block,
    own: Parameters,
    masks: Parameters,
    x: torch.Tensor,
    shares: torch.Tensor,
    widths: torch.Tensor,
    signed: bool,
) -> torch.Tensor:
    """Output of a block [batch, channels, height, width].

    Args:
      block: which.
      own: its parameters, by names within the block.
      masks: rings of the kernel, and what keeps groups apart, by name.
      x: its input.
      shares: of kernels, expansions and groups of the super-kernel, then of it in the block, then of the skip, [8].
      widths: probabilities of operand widths, [3].
      signed: whether its input may be negative.
    """
    at = Precision(WIDTHS, widths)
    quantized = quantize_activations(x, at, signed=signed)
    kernel = _super_kernel(block, own, masks, x, quantized, at, shares[:6])
    return shares[6] * kernel + shares[7] * _skip(block, own, x, quantized, at)


class SuperKernelNetwork(nn.Module):
    """Stem, 22 blocks of one super-kernel and a skip, head, pool, classifier. Its buffers are what masks are made of.

    Attributes:
      block_output: the function of that name, which may be compiled by itself.
    """

    def __init__(self, width: float):
        super().__init__()
        self.block_output: Callable[..., torch.Tensor] = block_output
        self.stem_channels, self.head_channels = _scaled(_STEM, width), _scaled(_HEAD, width)
        self.blocks: list[Block] = []
        channels = self.stem_channels
        for out, count, stride in _STAGES:
            for position in range(count):
                self.blocks.append(Block(channels, _scaled(out, width), 1 if position else stride))
                channels = self.blocks[-1].out_channels
        shares = [
            [1.0, kernel >= KERNEL, *(expansion >= other for other in EXPANSIONS), groups > 1]
            for kernel, expansion, groups in OPERATIONS
        ]
        self.register_buffer("shares", torch.tensor(shares))
        inner = torch.zeros(KERNEL, KERNEL)
        inner[1:-1, 1:-1] = 1
        self.register_buffer("rings", torch.stack([inner, 1 - inner]))
        for index, block in enumerate(self.blocks):
            of_input, of_output = (torch.arange(c) // (c // GROUPS) for c in (block.in_channels, block.out_channels))
            # Hidden channels stay in their order before the shuffle of grouped operations; `reads` is the group behind it.
            reads = torch.empty_like(of_input)
            reads[torch.arange(block.in_channels).reshape(GROUPS, -1).T.ravel()] = of_input
            self.register_buffer(f"apart_expand_{index}", (of_input[:, None] != of_input).float()[..., None, None])
            self.register_buffer(f"apart_project_{index}", (of_output[:, None] != reads).float()[..., None, None])
        self.register_buffer("certain", torch.ones(1))
        prefixes = [f"blocks/{index}/candidates/" for index in range(len(self.blocks))]
        shapes = self.shapes()
        self.names = [[name.removeprefix(own) for name in shapes if name.startswith(own)] for own in prefixes]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every parameter."""
        shapes: dict[str, tuple[int, ...]] = {}

        def norm(name: str, channels: int) -> None:
            shapes[f"{name}/scale"] = shapes[f"{name}/bias"] = (channels,)

        shapes["stem/kernel"] = (self.stem_channels, 3, 3, 3)
        norm("stem_norm", self.stem_channels)
        for index, block in enumerate(self.blocks):
            name, hidden = f"blocks/{index}/candidates", block.in_channels * EXPANSION
            shapes[f"{name}/super_kernel/expand/kernel"] = (hidden, block.in_channels, 1, 1)
            norm(f"{name}/super_kernel/expand_activation/norm", hidden)
            shapes[f"{name}/super_kernel/depthwise/kernel"] = (hidden, 1, KERNEL, KERNEL)
            norm(f"{name}/super_kernel/depthwise_activation/norm", hidden)
            shapes[f"{name}/super_kernel/project/kernel"] = (block.out_channels, hidden, 1, 1)
            norm(f"{name}/super_kernel/{block.last_norm}", block.out_channels)
            if not block.keeps_shape:
                shapes[f"{name}/skip/pointwise/kernel"] = (block.out_channels, block.in_channels, 1, 1)
                norm(f"{name}/skip/norm", block.out_channels)
        shapes["head/kernel"] = (self.head_channels, self.blocks[-1].out_channels, 1, 1)
        norm("head_norm", self.head_channels)
        shapes["classifier/kernel"], shapes["classifier/bias"] = (CLASSES, self.head_channels), (CLASSES,)
        return shapes

    def forward(self, parameters: Parameters, point: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes].

        Args:
          parameters: by name, as `shapes` has them.
          point: probabilities [2 * blocks, 9]: the operations of a block, then its widths, of which there are three.
          images: [batch, 3, height, width].
        """
        fixed = Precision((FIXED_BITS,), self.certain)
        operations, widths = point[::2], point[1::2, : len(WIDTHS)]
        kept = operations[:, :-1].sum(dim=-1, keepdim=True)
        # A block that is surely skipped shares its operations alike.
        used = kept > 1e-12
        given = torch.where(used, operations[:, :-1] / torch.where(used, kept, 1), 1 / len(OPERATIONS))
        # Not as a product of matrices, which TF32 would round.
        shares = (given[:, :, None] * self.shares).sum(dim=1)
        x = quantize_activations(images, fixed, signed=True)
        x = _convolve(x, quantize_weights(parameters["stem/kernel"], fixed))
        x = torch.relu(_batch_norm(x, parameters, "stem_norm"))
        shares = torch.cat([shares, kept, operations[:, -1:]], dim=1)
        for index, block in enumerate(self.blocks):
            prefix = f"blocks/{index}/candidates/"
            own = {name: parameters[prefix + name] for name in self.names[index]}
            masks = {name: getattr(self, f"{name}_{index}") for name in ("apart_expand", "apart_project")}
            x = self.block_output(
                block, own, masks | {"rings": self.rings}, x, shares[index], widths[index], signed=index > 0
            )
        x = _convolve(quantize_activations(x, fixed, signed=True), quantize_weights(parameters["head/kernel"], fixed))
        x = torch.relu(_batch_norm(x, parameters, "head_norm")).mean(dim=(2, 3))
        x = quantize_activations(x, fixed, signed=False)
        return functional.linear(x, quantize_weights(parameters["classifier/kernel"], fixed), parameters["classifier/bias"])
