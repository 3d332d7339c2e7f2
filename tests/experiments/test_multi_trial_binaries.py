"""Multi-trial search as a user runs it, and one-shot search beside it."""

import json
import pathlib

import pytest

from experiments import compare_shots

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "experiments" / "configs"
CARD = f"{CONFIGS / 'nahas_multitrial.py'}:smoke"
ONE_SHOT = f"{CONFIGS / 'nahas_oneshot.py'}:smoke"
DIGITS = f"{CONFIGS / 'digits.py'}:smoke"


@pytest.mark.slow
def test_the_smoke_card_runs_to_its_end(run_binary, tmp_path):
    process = run_binary("cosearch", f"--config={CARD}", f"--workdir={tmp_path / 'run'}", timeout=1800)
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["steps"] == 2
    found = summary["search"]
    assert (found["method"], found["trials"], found["trained_networks"]) == ("multi_trial", 4, 4)
    assert 0 < summary["search_seconds"] <= summary["wall_seconds"]
    assert 0 <= summary["accuracy"]["search"] <= 1
    assert summary["cost"]["area_mm2"] <= summary["budgets"]["area_mm2"]
    report = (tmp_path / "run" / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 3
    assert "search 2/2 reward" in process.stderr
    again = run_binary("cosearch", f"--config={CARD}", f"--workdir={tmp_path / 'run'}")
    assert "holds a finished run" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([f"--config={CARD}", "--config.search.steps=700"], "read only with search.method other than multi_trial"),
        ([f"--config={CARD}", "--config.search.level=bilevel"], "read only with search.method=differentiable"),
        ([f"--config={DIGITS}", "--config.search.multi_trial.trials=70"], "read only with search.method=multi_trial"),
        ([f"--config={CARD}", "--config.search.multi_trial.trials=3"], "must be a multiple of ppo.batch 2"),
    ],
)
def test_what_the_method_does_not_read_is_refused(refused, tmp_path, arguments, says):
    assert says in refused("cosearch", *arguments, f"--workdir={tmp_path / 'run'}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([f"--one_shot={CARD}", f"--multi_trial={CARD}"], "--one_shot must name a card of search.method=one_shot"),
        ([f"--one_shot={ONE_SHOT}", f"--multi_trial={DIGITS}"], "this is one of differentiable"),
        ([f"--one_shot={ONE_SHOT}", f"--multi_trial={CARD}"], "differ in data, retrain, so"),
        (
            [f"--one_shot={ONE_SHOT}", f"--multi_trial={CARD}", f"--differentiable={ONE_SHOT}"],
            "--differentiable must name a card of search.method=differentiable, and this is one of one_shot",
        ),
        ([f"--multi_trial={CARD}"], "Pass a run card"),
    ],
)
def test_cards_that_cannot_be_compared_are_refused(refused, tmp_path, arguments, says):
    assert says in refused("compare_shots", *arguments, f"--workdir={tmp_path}")


def test_times_and_accuracies_are_set_side_by_side(within, monkeypatch, tmp_path, capsys):
    """With runs in whose place their summaries stand."""
    seen = []

    def run(config, folder, data_dir):
        seen.append((config.search.method, config.seed, folder.name))
        folder.mkdir()
        lines = [{"phase": "search", "step": step, "wall_seconds": 100.0 * step} for step in range(1, 11)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        trained = config.search.method == "multi_trial"
        seconds = {"multi_trial": 800.0, "one_shot": 60.0 + 80.0 * config.seed, "differentiable": 50.0}
        return {
            "search_seconds": seconds[config.search.method],
            "search": {"trained_networks": 100} if trained else {},
            "accuracy": {"final": (0.9 if trained else 0.92) + 0.01 * config.seed},
            "feasible": trained,
            "cost": {"latency_ms": 0.01},
        }

    monkeypatch.setattr(compare_shots, "run", run)
    names = {"one_shot": "nahas_oneshot", "differentiable": "digits", "multi_trial": "nahas_multitrial"}
    full = [f"--{flag}={CONFIGS / name}.py" for flag, name in names.items()]
    assert not within("compare_shots", *full, f"--workdir={tmp_path}", "--seeds=2")
    assert [(method, seed) for method, seed, _ in seen] == [(method, seed) for seed in (0, 1) for method in names]
    assert len({folder for _, _, folder in seen}) == 6
    said = capsys.readouterr().out
    assert "| one-shot | 100 (60 to 140) | 92.50 (92.00 to 93.00) | 0 of 2 |" in said
    assert "takes 8 (5.7 to 13 by seed) times as long as one-shot search with 100 trials, at the same pace" in said
    assert "390 (280 to 650 by seed) times with 5,000" in said
    assert "takes 16 (16 to 16 by seed) times as long as differentiable search" in said
    assert "Published: 32 times" in said
    assert "Published: up to 1234.3 times" in said
    assert "multi-trial - one-shot: -2.00 points" in said
    result = json.loads((tmp_path / "shots.json").read_text())
    assert result["ratios"]["one-shot"]["measured"] == 8
    assert [run["search"] for run in result["searches"]["multi-trial"]] == [{"trained_networks": 100}] * 2
