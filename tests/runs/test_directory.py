"""Working directories: resume, refuse, never half-written."""

import json

import pytest

from dna_jax.errors import UserError
from dna_jax.runs.directory import RunDirectory, read_metrics, write_whole

CONFIG = {"seed": 0, "search": {"steps": 10, "objective": {"form": "soft"}}}


def test_a_run_is_resumed_by_the_same_configuration(tmp_path):
    with RunDirectory(tmp_path / "run", CONFIG) as first:
        first.append_metrics("search", 1, {"loss": 2.0})
    with RunDirectory(tmp_path / "run", CONFIG) as again:
        again.append_metrics("search", 2, {"loss": 1.0})
        assert [line["loss"] for line in read_metrics(again.path)["search"]] == [2.0, 1.0]
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == CONFIG


def test_one_process_at_a_time(tmp_path):
    with RunDirectory(tmp_path, CONFIG), pytest.raises(UserError, match="Another process is at the run"):
        RunDirectory(tmp_path, CONFIG)
    RunDirectory(tmp_path, CONFIG).close()


def test_another_configuration_is_refused_by_name_of_the_field(tmp_path):
    RunDirectory(tmp_path, CONFIG).close()
    other = {"seed": 0, "search": {"steps": 10, "objective": {"form": "hinge"}}}
    with pytest.raises(UserError, match=r"config.search.objective.form is 'soft' there and 'hinge' here"):
        RunDirectory(tmp_path, other)
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG


def test_foreign_directories_and_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds other files"):
        RunDirectory(tmp_path, CONFIG)
    with pytest.raises(UserError, match="is a file"):
        RunDirectory(tmp_path / "thesis.tex", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_kill_before_the_first_file_was_whole_costs_nothing(tmp_path):
    (tmp_path / "config.json.partial").write_text('{"se')
    RunDirectory(tmp_path, CONFIG).close()
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG


def test_a_damaged_config_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"seed": 0, "sea')
    with pytest.raises(UserError, match="not readable as JSON"):
        RunDirectory(tmp_path, CONFIG)


def test_a_line_cut_by_a_kill_costs_that_line_alone(tmp_path):
    with RunDirectory(tmp_path, CONFIG) as run:
        run.append_metrics("search", 1, {"loss": 2.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"phase": "search", "step": 2, "lo')
    with RunDirectory(tmp_path, CONFIG) as resumed:
        resumed.append_metrics("search", 2, {"loss": 1.5})
        resumed.append_metrics("search", 2, {"loss": 1.25})
        assert [(line["step"], line["loss"]) for line in read_metrics(resumed.path)["search"]] == [(1, 2.0), (2, 1.25)]


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "summary.json"
    write_whole(target, "old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_whole(target, "new")
    assert target.read_text() == "old"


def test_seconds_add_up_over_processes(tmp_path):
    with RunDirectory(tmp_path, CONFIG) as first:
        first._earlier_seconds = 100.0
        first.append_metrics("search", 1, {})
    with RunDirectory(tmp_path, CONFIG) as second:
        assert second.wall_seconds >= 100


def test_no_summary_until_it_is_written(tmp_path):
    with RunDirectory(tmp_path, CONFIG) as run:
        assert run.read_summary() is None
        run.write_summary({"status": "complete"})
        assert run.read_summary() == {"status": "complete"}
