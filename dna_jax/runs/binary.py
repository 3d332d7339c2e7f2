"""The edge of a binary: flags in, exit codes out. Everything a user can mend ends as one sentence and exit code 2."""

import errno
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from absl import app, flags, logging
from ml_collections import config_flags

from dna_jax.errors import UserError

USER_ERROR_CODE = 2
UNREAD_CODE = 128 + signal.SIGPIPE
"""Of a binary whose output is no longer read, as shells have it."""

_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""Errors of the system that a user can mend; others are bugs and keep their traceback."""


def _fail(error: Exception | str) -> NoReturn:
    message = " ".join(str(error).split())
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise SystemExit(USER_ERROR_CODE)


def _fail_of_card(error: Exception) -> NoReturn:
    """A run card is a program of its own: whatever it raises, the user has to look there."""
    _fail(
        f"The flags cannot be used ({type(error).__name__}: {error}); check that the run card loads and has every field "
        "that is overridden."
    )


def _parse(arguments: Sequence[str]) -> list[str]:
    """Parse flags; absl by itself exits with 1 and a page of usage, and lets errors in config files through."""
    try:
        rest = flags.FLAGS(list(arguments))
    except SystemExit:
        # Help was asked for and given; absl would call that a failure.
        raise SystemExit(0) from None
    except flags.Error as error:
        _fail(f"{error} Run with --help to see the flags.")
    except Exception as error:
        _fail_of_card(error)
    if len(rest) > 1:
        _fail(f"Unexpected argument {rest[1]!r}; values go with flags, as in --workdir=DIR.")
    return rest


def run_card(flag: str = "config", example: str = "digits.py") -> dict[str, Any]:
    """The values of the run card that a flag names; UserError, which names an example, if there is none or it cannot be
    loaded."""
    card = flags.FLAGS[flag].value
    try:
        # A card that failed to load only says so when it is looked into.
        values = card.to_dict() if card is not None else None
    except OSError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UserError(f"The run card cannot be loaded ({', '.join(lines[-2:])}); check --{flag}.") from error
    if values is None:
        raise UserError(f"Pass a run card, for instance --{flag}=experiments/configs/{example}.")
    return values


def card_folder() -> str:
    """Where a run of the card that --config names keeps its files by default, below the current folder."""
    file, _, variant = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")
    name = pathlib.Path(file).stem
    return f"runs/{name}_{variant}" if variant else f"runs/{name}"


def some_of(flag: str, options: Collection[str]) -> list[str]:
    """What a flag that is a list names, once each.

    Raises:
      UserError: if it names nothing, something else than the options, or something twice.
    """
    names = flags.FLAGS[flag].value or []
    if not names or any(name not in options for name in names):
        raise UserError(f"--{flag}={','.join(names)} must name some of: {', '.join(options)}.")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise UserError(f"--{flag} names {', '.join(twice)} more than once; name each once.")
    return list(names)


def output_file(flag: str, default: str | None = None) -> pathlib.Path | None:
    """The file that a flag names, to be written later; None if it names none.

    Raises:
      UserError: if it cannot be written there.
    """
    name = flags.FLAGS[flag].value or default
    if not name:
        return None
    path = pathlib.Path(name).expanduser()
    if not path.parent.is_dir():
        raise UserError(f"The folder of --{flag}={path} does not exist; make it first.")
    if path.is_dir():
        raise UserError(f"--{flag}={path} is a folder; name a file.")
    return path


def run(main: Callable[[], None], define_flags: Callable[[], None]) -> None:
    """Run `main` with the flags that `define_flags` defines, parsed, and the compilation cache on."""

    def guarded(_: Sequence[str]) -> None:
        # Libraries report every checkpoint they write; their warnings and errors still come through.
        logging.set_verbosity(logging.WARNING)
        enable_compilation_cache()
        try:
            main()
            sys.stdout.flush()
        except UserError as error:
            _fail(error)
        except BrokenPipeError:
            # `head` has seen enough. What is still to be flushed at the end goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(UNREAD_CODE) from None
        except OSError as error:
            if error.errno not in _REFUSALS:
                raise
            _fail(f"The system refuses a file ({error}); free space, or check the rights of --workdir and --data_dir.")

    try:
        # A flag that holds a run card looks at the arguments, flag files and overrides included, as soon as it is defined.
        define_flags()
    except flags.Error as error:
        _fail(error)
    except Exception as error:
        _fail_of_card(error)
    app.run(guarded, flags_parser=_parse)


def enable_compilation_cache() -> None:
    """Keep compiled programs across runs, under JAX_COMPILATION_CACHE_DIR or the user's cache folder."""
    import jax

    default = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "dna_jax", "xla")
    jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR", default))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
