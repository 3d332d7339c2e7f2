"""The edge of a binary: which errors end as a sentence, and which keep their traceback."""

import errno
import subprocess
import sys

import pytest

from dna_jax.errors import UserError
from dna_jax.runs import binary


def _raise(error):
    def main():
        raise error

    return main


@pytest.fixture(autouse=True)
def no_flags(monkeypatch):
    """`run` without parsing this process's arguments or moving its compilation cache."""
    monkeypatch.setattr(binary.app, "run", lambda main, flags_parser: main([]))
    monkeypatch.setattr(binary, "enable_compilation_cache", lambda: None)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UserError("Pass\nsomething else."), "error: Pass something else."),
        (PermissionError(errno.EACCES, "Permission denied", "run/config.json"), "Permission denied: 'run/config.json'"),
        (OSError(errno.ENOSPC, "No space left on device"), "free space"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(capsys, error, says):
    with pytest.raises(SystemExit) as ended:
        binary.run(_raise(error), lambda: None)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert says in printed
    assert printed.count("\n") == 1


def test_bugs_keep_their_traceback():
    for error in (FileNotFoundError(errno.ENOENT, "No such file"), ZeroDivisionError("oops")):
        with pytest.raises(type(error)):
            binary.run(_raise(error), lambda: None)


@pytest.mark.parametrize("lines", [1, 100_000])
def test_output_that_is_no_longer_read_ends_quietly(lines):
    program = f"from dna_jax.runs import binary; binary.run(lambda: print('line\\n' * {lines}), lambda: None)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == binary.UNREAD_CODE
