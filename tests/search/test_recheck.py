"""Certificates that hold, and certificates of which one statement was changed."""

import copy
import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import Limits, PipelineProblem, as_json, certified_optimum, read_certificate, recheck
from dna_jax.search.certificate_file import from_json
from dna_jax.spaces import boundary_name, fpga_pipeline_space, knob_name

NETWORKS = {network.name: network for network in read_networks(THIRD_PARTY / "auto_nba" / "dna_networks.json")}
PROBLEM = PipelineProblem(NETWORKS["cifar_large8"], allocation="searched")
LAYERS = PROBLEM.layers
KEPT = {"rows": ("4/1", "4/4"), "columns": ("4/4",), "outputs": ("2/2", "8/8"), "inputs": ("4/2",), "parallel": None}


def _shrunken():
    """Four allocations, and 4 or 8 designs of a chunk."""
    decisions = []
    for decision in fpga_pipeline_space("cifar", (8,)).decisions:
        options = KEPT.get(decision.name.split(".")[-1], decision.options[:2]) or decision.options[1:]
        decisions.append(dataclasses.replace(decision, options=options))
    return dataclasses.replace(fpga_pipeline_space("cifar", (8,)), decisions=tuple(decisions))


SPACE = _shrunken()
LIMITS = Limits(60, 90)


@pytest.fixture(scope="module")
def true():
    return certified_optimum(LAYERS, SPACE, LIMITS)


def test_certificates_that_hold(true):
    assert true.design is not None
    assert true.bound_cycles < true.cycles
    assert max(len(front.designs) for front in true.fronts.values()) > 1
    assert recheck(true, LAYERS, SPACE) == []
    for limits in (Limits(1e12, math.inf), Limits(true.dsp, true.bram), Limits(1, 1)):
        assert recheck(certified_optimum(LAYERS, SPACE, limits), LAYERS, SPACE) == []


def _fronts(true, change, which=None):
    """The certificate with the front of one chunk changed; the one of most designs by default."""
    key = which or max(true.fronts, key=lambda key: len(true.fronts[key].designs))
    return {"fronts": {**true.fronts, key: dataclasses.replace(true.fronts[key], **change(true.fronts[key]))}}


def _one_cost(front, column, factor):
    costs = front.costs.copy()
    costs[-1, column] *= factor
    return {"costs": costs}


def _with_row(front):
    """One more design, worse than another in everything."""
    return {"costs": np.append(front.costs, front.costs[-1:], axis=0), "designs": (*front.designs, front.designs[-1])}


def _first_design(front, **values):
    chunk = next(iter(front.designs[0])).rsplit(".", 1)[0]
    return {"designs": (front.designs[0] | {f"{chunk}.{k}": v for k, v in values.items()}, *front.designs[1:])}


NOTHING = {"design": None, "cycles": None, "dsp": 0.0, "bram": 0.0}
ROWS = boundary_name(False)
MORE = Limits(LIMITS.dsp * 4, LIMITS.bram * 4)

TAMPERED = {
    "fewer cycles": (lambda t: {"cycles": t.cycles * 0.9}, "The design takes"),
    "more cycles": (lambda t: {"cycles": t.cycles * 1.1}, "The design takes"),
    "cycles that are no number": (lambda t: {"cycles": math.nan}, "The design takes"),
    "no cycles": (lambda t: {"cycles": None}, "states a design without its cycles"),
    "no design": (lambda t: {"design": None}, "that nothing fits states cycles"),
    "nothing fits": (lambda t: NOTHING, "A faster pipeline fits"),
    "nothing fits, but DSP slices": (lambda t: NOTHING | {"dsp": 1.0}, "that nothing fits states cycles"),
    "nothing fits, but block RAMs": (lambda t: NOTHING | {"bram": 1.0}, "that nothing fits states cycles"),
    "fewer DSP slices": (lambda t: {"dsp": 1.0}, "The design uses"),
    "more DSP slices": (lambda t: {"dsp": t.dsp + 1}, "The design uses"),
    "fewer block RAMs": (lambda t: {"bram": 1.0}, "The design uses"),
    "block RAMs that are no number": (lambda t: {"bram": math.nan}, "The design uses"),
    "a larger bound": (lambda t: {"bound_cycles": t.bound_cycles * 10}, "without limits takes"),
    "a smaller bound": (lambda t: {"bound_cycles": t.bound_cycles / 2}, "without limits takes"),
    "a bound that is no number": (lambda t: {"bound_cycles": math.nan}, "without limits takes"),
    "more designs": (lambda t: {"enumerated": t.enumerated + 1}, "The fronts are of"),
    "narrower limits": (lambda t: {"limits": Limits(t.dsp - 1, LIMITS.bram)}, "more than the limits"),
    "wider limits": (lambda t: {"limits": MORE}, "A faster pipeline fits"),
    "a design with a decision more": (lambda t: {"design": {**t.design, "colour": "red"}}, "see colour"),
    "a design without its allocation": (
        lambda t: {"design": {k: v for k, v in t.design.items() if k != ROWS}},
        f"see {ROWS}",
    ),
    "a design of an allocation that is none": (lambda t: {"design": t.design | {ROWS: 3}}, f"see {ROWS}"),
    "another allocation": (lambda t: {"design": t.design | {ROWS: 24 - t.design[ROWS]}}, "The design "),
    "no fronts": (lambda t: {"fronts": {}}, "There is no front of the chunk"),
    "a front less": (lambda t: {"fronts": dict([*t.fronts.items()][1:])}, "There is no front of the chunk"),
    "a front more": (
        lambda t: {"fronts": {**t.fronts, (next(iter(t.fronts))[0], 99): next(iter(t.fronts.values()))}},
        "No layer runs on the chunk",
    ),
    "designs of a front reversed": (
        lambda t: _fronts(t, lambda front: {"designs": front.designs[::-1]}),
        "A design on the front",
    ),
    "a front reversed": (
        lambda t: _fronts(t, lambda front: {"designs": front.designs[::-1], "costs": front.costs[::-1]}),
        "does not ascend in cycles",
    ),
    "a front without its fastest": (
        lambda t: _fronts(t, lambda front: {"designs": front.designs[1:], "costs": front.costs[1:]}),
        "is better than its front",
    ),
    "a front without its smallest": (
        lambda t: _fronts(t, lambda front: {"designs": front.designs[:-1], "costs": front.costs[:-1]}),
        "is better than its front",
    ),
    "a front with a design twice": (lambda t: _fronts(t, _with_row), "as good as another"),
    "an empty front": (lambda t: _fronts(t, lambda _: {"designs": (), "costs": np.zeros((0, 3))}), "has 0 designs"),
    "a design on a front less": (lambda t: _fronts(t, lambda front: {"designs": front.designs[1:]}), "designs for costs"),
    "a front of more designs": (lambda t: _fronts(t, lambda front: {"enumerated": 7}), "There are 8 designs of the chunk"),
    "fewer cycles on a front": (lambda t: _fronts(t, lambda front: _one_cost(front, 0, 0.5)), "A design on the front"),
    "fewer slices on a front": (lambda t: _fronts(t, lambda front: _one_cost(front, 1, 0.5)), "A design on the front"),
    "more block RAMs on a front": (lambda t: _fronts(t, lambda front: _one_cost(front, 2, 2)), "A design on the front"),
    "a cost that is no number": (lambda t: _fronts(t, lambda front: _one_cost(front, 0, np.nan)), "A design on the front"),
    "another design on a front": (
        lambda t: _fronts(t, lambda front: _first_design(front, outputs="2/2", rows="4/1")),
        "A design on the front",
    ),
    "a design on a front that is none": (
        lambda t: _fronts(t, lambda front: _first_design(front, outputs="16/16")),
        "is none of the space",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_is_found(true, name):
    change, says = TAMPERED[name]
    tampered = dataclasses.replace(true, **change(true))
    found = recheck(tampered, LAYERS, SPACE)
    assert any(says in sentence for sentence in found), found
    assert all(sentence.endswith(".") for sentence in found)


def test_a_slower_design_is_no_optimum(true):
    """Everything stated of it is true; only faster ones fit."""
    held = {name: true.design[name] for name in (boundary_name(False), boundary_name(True))}
    slow = {
        knob_name(chunk, knob): value for chunk, _ in true.fronts for knob, value in (("rows", "4/1"), ("parallel", "rows"))
    }
    slower = certified_optimum(LAYERS, SPACE.fix(held | slow), LIMITS)
    assert slower.cycles > true.cycles
    passed_off = dataclasses.replace(slower, bound_cycles=true.bound_cycles, fronts=true.fronts, enumerated=true.enumerated)
    found = recheck(passed_off, LAYERS, SPACE)
    assert found
    assert all("A faster pipeline fits" in sentence for sentence in found)


def test_another_space_or_network_is_found_out(true):
    assert recheck(true, LAYERS, SPACE.fix({ROWS: true.design[ROWS]}))
    assert recheck(true, LAYERS[:-1], SPACE)


def _leaves(stated, path=()):
    """Paths of all that a file states that is no list or mapping."""
    if not isinstance(stated, dict | list):
        yield path
        return
    for key, value in stated.items() if isinstance(stated, dict) else enumerate(stated):
        yield from _leaves(value, (*path, key))


def _changed(stated, path):
    """A copy with one leaf changed."""
    copied = copy.deepcopy(stated)
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = f"{old}?" if isinstance(old, str) else old + 1
    return copied


def test_every_statement_of_a_file_matters(true):
    """Any number or name that is changed is found; the problem and its limits are what is stated about, not statements."""
    stated = json.loads(json.dumps(as_json(PROBLEM, true)))
    problem, same = from_json(stated, "it")
    assert problem == PROBLEM
    assert recheck(same, LAYERS, SPACE) == []
    # Of fronts, all of the first.
    paths = [p for p in _leaves(stated) if p[0] not in ("network", "limits") and (p[0] != "fronts" or p[1] == 0)]
    assert len(paths) > 40
    for path in paths:
        try:
            _, tampered = from_json(_changed(stated, path), "it")
        except UserError:
            continue
        assert recheck(tampered, LAYERS, SPACE), path


def test_files_that_state_no_certificate(true, tmp_path):
    path = tmp_path / "certificate.json"
    stated = json.loads(json.dumps(as_json(PROBLEM, true)))
    with pytest.raises(UserError, match="cannot be read"):
        read_certificate(path)
    for change, reason in (
        ([], "is no certificate"),
        ({}, "does not state 'model'"),
        (stated | {"model": "guessed"}, "the model 'guessed'; choose one of released, corrected"),
        (stated | {"fps": stated["fps"] * 2}, "where its cycles make"),
        (stated | {"cycles": stated["cycles"] * 2}, "where its cycles make"),
        (stated | {"enumerated": 10.5}, "is no certificate"),
        (stated | {"limits": {"dsp": 0, "bram": 5}}, "Limits must be positive"),
        (stated | {"fronts": [stated["fronts"][0]] * 2}, "two fronts of one chunk"),
        (stated | {"fronts": [stated["fronts"][0] | {"chunk": "b7"}]}, "names no chunk"),
        (stated | {"network": {}}, "lacks one of family, ops and bits"),
    ):
        path.write_text(json.dumps(change))
        with pytest.raises(UserError, match=reason):
            read_certificate(path)


def test_networks_without_layers_are_refused():
    skips = dataclasses.replace(PROBLEM.network, operations=("skip",) * 22)
    assert PipelineProblem(skips).layers
    with pytest.raises(UserError, match="has no layer that a pipeline runs in the released model"):
        assert PipelineProblem(skips, model="released").space


def test_the_space_of_a_problem():
    for mode, allocation in itertools.product(("free", "fixed"), ("searched", "released")):
        space = dataclasses.replace(PROBLEM, mode=mode, allocation=allocation).space
        fixed = {name.split(".")[-1] for name in space.fixed}
        assert ("parallel" in fixed) == (mode == "fixed")
        assert ("standard" in fixed) == (allocation == "released")
