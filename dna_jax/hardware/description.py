"""Accelerators in YAML: levels and fan-outs as a user writes them down, and the mappings that follow.

    name: my_chip
    clock_ghz: 0.8
    node_nm: 22                # energy and area left out below are those of this node
    levels:                    # innermost first; the last is the backing store
      - {name: sums, holds: O, capacity_bytes: 4}
      - name: scratchpad
        holds: WIO
        capacity_bytes: 262144
        read_bytes_per_cycle: 64
        write_bytes_per_cycle: 64
        double_buffered: true
        fanouts:
          - {name: rows, size: 16, over: [C]}
          - {name: columns, size: 16, over: [KG, QP]}
      - {name: dram, holds: WIO, read_bytes_per_cycle: 16, ports: shared}

README.md lists every key.
"""

import dataclasses
import math
import pathlib
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import yaml

from dna_jax.errors import UserError
from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.candidates import CandidateSet, every_combination
from dna_jax.hardware.description_fields import Description, LevelDescription, check
from dna_jax.hardware.levels import Fanout, Level, build_architecture

_DEFAULTS = (
    (
        ("KG", "C", "QP", "P"),
        ("SRCQPNKG", "QPNSRCKG", "SRQPNCKG", "SRC", "QPN", ""),
        ("SRCKGQPN", "SRCQPNKG", "QPNSRCKG"),
    ),
    (("KG", "C", "QP"), ("SRCQPNKG", "QPNSRCKG", ""), ("SRCKGQPN", "QPNSRCKG")),
    (("KG", "C"), ("SRCQPNKG", ""), ("SRCKGQPN",)),
)
"""Alternatives where the description does not say, of what fan-outs hold and of what tiles grow along, in inner memories and
in the outermost on the chip: the first of these sets with which there are not too many mappings."""

MOST_CANDIDATES = 20_000
"""More mappings per layer than this are refused: a description with many alternatives multiplies them."""


def _convert(value: Any, wanted: Any, where: str) -> Any:
    """`value` as the type of a field; UserError names the place otherwise."""
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return _read(wanted, value, where)
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UserError(f"{where} must be a list, not {value!r}.")
        return tuple(_convert(entry, arguments[0], f"{where}[{i}]") for i, entry in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise UserError(f"{where} is {value!r}; choose one of {', '.join(map(str, arguments))}.")
        return value
    if arguments:
        return None if value is None else _convert(value, arguments[0], where)
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    raise UserError(f"{where} must be {'a number' if wanted is float else wanted.__name__}, not {value!r}.")


def _read(kind: type, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise UserError(f"{where} must be a mapping of keys to values.")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise UserError(f"{where} has no key {key!r}; the keys are {', '.join(fields)}.")
    needed = [n for n, f in fields.items() if f.default is dataclasses.MISSING and n not in values]
    if needed:
        raise UserError(f"{where} lacks {', '.join(needed)}.")
    types = typing.get_type_hints(kind)
    return kind(**{key: _convert(value, types[key], f"{where}.{key}") for key, value in values.items()})


def _level(level: LevelDescription, node_nm: float) -> Level:
    figures = technology.memory_figures(node_nm, level.capacity_bytes)._asdict()
    figures |= {name: value for name in figures if (value := getattr(level, name)) is not None}
    return Level(
        level.name,
        level.holds,
        level.capacity_bytes,
        read_bandwidth=level.read_bytes_per_cycle,
        write_bandwidth=level.write_bytes_per_cycle,
        **figures,
        ports=level.ports,
        double_buffered=level.double_buffered,
        slides=level.slides,
        refetched=level.refetched,
        waits=level.waits,
        fanouts=tuple(Fanout(fanout.name, float(fanout.size)) for fanout in level.fanouts),
    )


def _candidates(description: Description, where: str) -> CandidateSet:
    """Every combination of the alternatives, stated or by default."""
    on_chip = description.levels[:-1]
    count = 0
    for layouts, inner, outer in _DEFAULTS:
        over = [layouts if f.over is None else f.over for level in description.levels for f in level.fanouts]
        usual = [inner] * (len(on_chip) - 1) + [outer]
        growth = [(1, u if level.tiles is None else level.tiles) for u, level in zip(usual, on_chip, strict=True)]
        count = math.prod(map(len, over)) * math.prod(len(tiles) for _, tiles in growth) * len(description.last_order)
        if count <= MOST_CANDIDATES:
            candidates = every_combination(over, growth, description.last_order, description.objective)
            return dataclasses.replace(candidates, as_matrix_product=description.matrix_products)
    raise UserError(
        f"{where}: {count:,} mappings per layer would have to be tried, more than {MOST_CANDIDATES:,}; "
        "name fewer alternatives in 'over' of the fan-outs or 'tiles' of the levels."
    )


def build(description: Description, where: str, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The accelerator of a description; `where` names its origin in errors.

    Raises:
      UserError: if it contradicts itself, or allows too many mappings to try.
    """
    check(description, where)
    arithmetic = technology.arithmetic(description.node_nm, description.bits)
    names = [level.name for level in description.levels]
    resident = description.activations_stay_in
    architecture = build_architecture(
        [_level(level, description.node_nm) for level in description.levels],
        clock_hz=description.clock_ghz * 1e9,
        mac_pj=arithmetic.mac_pj if description.mac_pj is None else description.mac_pj,
        mac_mm2=arithmetic.mac_mm2 if description.mac_mm2 is None else description.mac_mm2,
        link_mm2=description.link_mm2,
        fold_cycles=description.fold_cycles,
        stationary=description.stationary,
        exposed_ends=description.exposed_ends,
        resident_level=None if resident is None else names.index(resident),
        whole_rows=description.whole_rows,
        dtype=dtype,
    )
    candidates = _candidates(description, where)
    note = technology.sram(description.node_nm).note
    notes = (note,) if note else ()
    return Accelerator(description.name, architecture, candidates, notes, description.bits, description.partial_bits)


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_accelerator(path: pathlib.Path, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The accelerator described in a YAML file.

    Raises:
      UserError: one sentence that names the file, the key and what it should hold.
    """
    try:
        values = yaml.load(path.read_text(), Loader=_Loader)
    except OSError as error:
        raise UserError(f"The accelerator {path} cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"The accelerator {path} is not YAML: {' '.join(str(error).split())}") from error
    return build(_read(Description, values, str(path)), str(path), dtype)
