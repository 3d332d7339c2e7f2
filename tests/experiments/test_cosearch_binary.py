"""The main binary as a user runs it: to the end, killed and resumed, and every mistake answered in one sentence."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from experiments import cosearch

ROOT = pathlib.Path(__file__).resolve().parents[2]
CARD = "--config=experiments/configs/digits.py:smoke"
STAGES = ("search", "retrain", "baseline")


@pytest.fixture
def described(within, monkeypatch):
    """What the main binary would run with some arguments: configuration, working directory, directory of data sets."""

    def run(*arguments):
        jobs = []
        monkeypatch.setattr(cosearch, "run", lambda *job: jobs.append(job))
        monkeypatch.setattr(cosearch, "summary_table", lambda summary, where: where)
        assert not within("cosearch", *arguments)
        (job,) = jobs
        return job

    return run


def _figures(path):
    summary = json.loads((path / "summary.json").read_text())
    # Times differ from run to run.
    return {name: value for name, value in summary.items() if name not in ("wall_seconds", "search_seconds")}


@pytest.fixture(scope="module")
def finished(run_binary, tmp_path_factory):
    """An uninterrupted run."""
    path = tmp_path_factory.mktemp("run") / "whole"
    process = run_binary("cosearch", CARD, f"--workdir={path}")
    assert process.returncode == 0, process.stderr
    return path, process


def test_a_run_leaves_what_is_promised(finished):
    path, process = finished
    summary = json.loads((path / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["space"]["cardinality"] == 3**17 * 2**16 * 50_000
    assert len(summary["network"]) == 34
    assert len(summary["accelerator"]) == 7
    for block in ("cost", "baseline"):
        assert set(summary[block]) == {"latency_ms", "energy_mj", "area_mm2", "area_normalized", "peak_tops"}
        assert all(value > 0 for value in summary[block].values())
    assert summary["baseline"]["peak_tops"] == pytest.approx(26.2144)
    assert summary["baseline"]["area_normalized"] == pytest.approx(1)
    assert set(summary["accuracy"]) == {"search", "final", "baseline"}
    assert all(0 <= value <= 1 for value in summary["accuracy"].values())
    assert set(summary["optimality"]) >= {"accelerator_rank", "accelerator_gap", "method"}
    assert summary["feasible"] is True
    assert summary["violations"] == []
    assert summary["cost"]["latency_ms"] <= summary["budgets"]["latency_ms"]
    assert summary["cost"]["area_mm2"] <= summary["budgets"]["area_mm2"]
    assert 1 <= summary["optimality"]["accelerator_rank"] <= 50_000
    assert {"jax", "flax", "optax", "python", "dna-jax"} <= set(summary["versions"])
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines] == sorted((line["phase"] for line in lines), key=STAGES.index)
    search = [line for line in lines if line["phase"] == "search"]
    assert search[-1]["step"] == 12
    assert {
        "loss",
        "task_loss",
        "accuracy",
        "latency_ms",
        "area_mm2",
        "temperature",
        "network_entropy",
        "accelerator_entropy",
    } <= set(search[-1])
    assert sum(name.startswith("entropy.") for name in search[-1]) == 33 + 7
    report = (path / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 3
    assert "block_17.project" in report
    assert "latency (ms)" in process.stdout
    assert "all budgets met" in process.stdout
    assert f"The run keeps its files in {path}." in process.stderr
    assert "search 12/12 loss" in process.stderr
    assert "left" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--config=experiments/configs/digits.py"], "runs/digits"),
        ([CARD], "runs/digits_smoke"),
        (["--data_dir=x", f"--config={ROOT}/experiments/configs/dna_fpga.py", "--config.seed=1"], "runs/dna_fpga"),
        ([CARD, "--workdir=elsewhere"], "elsewhere"),
        ([CARD, "--workdir="], "runs/digits_smoke"),
    ],
)
def test_a_run_has_a_folder_named_after_its_card_unless_one_is_given(described, capsys, arguments, folder):
    _, workdir, _ = described(*arguments)
    assert workdir == folder
    assert capsys.readouterr().out == f"{folder}\n"


def test_what_of_a_card_a_choice_leaves_unread_is_put_back_and_said(described, capsys):
    config, _, _ = described("--config=experiments/configs/dna_fpga.py:smoke", "--fix=accelerator", "--config.seed=4")
    assert (config.fix, config.seed, config.search.reoptimize_every) == ("accelerator", 4, 0)
    said = "Put back, for nothing reads it with fix=accelerator and order=joint: search.reoptimize_every from 4 to 0."
    assert capsys.readouterr().err == f"{said}\n"
    described("--config=experiments/configs/dna_asic.py:smoke", "--config.order=network_first")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("choice", "override"),
    [
        ("--fix=network", "--config.search.soft_widths=true"),
        ("--config.fix=accelerator", "--config.search.reoptimize_every=4"),
        ("--config.order=network_first", "--config.search.reoptimize_every=5"),
        ("--config.order=accelerator_first", "--config.search.reoptimize_every=5"),
    ],
)
def test_overrides_that_a_choice_leaves_unread_are_refused(refused, choice, override):
    said = refused("cosearch", "--config=experiments/configs/dna_fpga.py:smoke", choice, override)
    path = override.removeprefix("--config.").partition("=")[0]
    assert f"error: config: {path}=" in said
    assert said.count("has no effect here") == 1


def test_a_finished_run_is_shown_again_not_repeated(finished, run_binary):
    path, process = finished
    before = (path / "summary.json").stat().st_mtime_ns
    again = run_binary("cosearch", CARD, f"--workdir={path}")
    assert again.returncode == 0
    assert again.stdout == process.stdout
    assert (path / "summary.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_the_same(finished, tmp_path):
    reference, _ = finished
    path = tmp_path / "killed"
    command = [sys.executable, "-m", "experiments.cosearch", CARD, f"--workdir={path}"]
    # Killed before there is any checkpoint, then in the search and in the training after it, as soon as there is one.
    for trace in ("config.json", *(f"checkpoints/{phase}/6" for phase in STAGES[:2])):
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 300
        while not (path / trace).exists():
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    assert not (path / "summary.json").exists()
    final = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=600, check=False)
    assert final.returncode == 0, final.stderr
    assert _figures(path) == _figures(reference)


def test_another_configuration_on_the_same_directory_is_refused(finished, refused):
    path, _ = finished
    before = sorted(p.name for p in path.iterdir())
    said = refused("cosearch", CARD, f"--workdir={path}", "--config.seed=5")
    assert "config.seed is 0 there and 5 here" in said
    assert sorted(p.name for p in path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--wurkdir=x"], "Unknown command line flag 'wurkdir'"),
        ([CARD, "--config.search.steps=many"], "many"),
        ([CARD, "--config.search.spin=1"], "spin"),
        ([CARD, "--config.search.level=triple"], "choose one of single, bilevel"),
        (["--config=experiments/configs/digits.py:turbo"], "no variant 'turbo'"),
        (["--config=no/such/card.py"], "no/such/card.py"),
        ([CARD, "--flagfile=no/such.flags"], "no/such.flags"),
        ([CARD, "--fix=chip"], "fix"),
        ([CARD, "extra"], "Unexpected argument 'extra'"),
        ([], "Pass a run card"),
        ([CARD, "--workdir=."], "holds other files; pass an empty or new --workdir"),
        ([CARD, "--config.data.name=nosuchset"], "Unknown data set 'nosuchset'"),
        ([CARD, "--config.data.name=mnist", "--data_dir=."], "not prepared"),
        ([CARD, "--config.budgets.latency_ms=1e-6", "--fix=accelerator"], "No design was found that meets the budgets"),
        ([CARD, "--config.data.batch_size=5000"], "choose a smaller one"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_mistakes_are_answered_in_one_sentence(refused, tmp_path, arguments, says):
    path = tmp_path / "run"
    if not any(a.startswith("--workdir") for a in arguments):
        arguments = [*arguments, f"--workdir={path}"]
    said = refused("cosearch", *arguments)
    assert says in said
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert not (path / "summary.json").exists()
