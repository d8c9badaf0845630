"""The command ``jackbot``: reads its arguments, loads only what the chosen command needs, and hands over.

``--version``, ``ctl`` and ``watch`` stay light (no pydantic, no textual). Exit codes everywhere: 0 done, 1 refused or
failed, 2 wrong input, 3 no engine, 130 interrupted. A person never sees a traceback: a bug writes one to a file and
says where it is.
"""

import os
import sys
from collections.abc import Sequence

from jackbot_tui import __version__

OK, FAILED, USAGE, NO_ENGINE, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"], ["version"]):
        sys.stdout.write(f"jackbot {__version__}\n")
        return OK
    from jackbot_tui.model.errors import InputError, JackbotError, LinkError

    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except LinkError as error:
        return _say(error, NO_ENGINE)
    except InputError as error:
        return _say(error, USAGE)
    except JackbotError as error:
        return _say(error, FAILED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets one line, the file gets the rest
        return _say_bug(error)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["journal"]:
        from jackbot_tui.cli.journals import run_journal

        return run_journal(arguments[1:])
    from jackbot_tui.cli.arguments import HelpWanted, parse

    try:
        options = parse(arguments)
    except HelpWanted as text:
        sys.stdout.write(str(text))
        return OK
    match options.command:
        case "ctl" | "watch":
            from jackbot_tui.cli import clients

            return clients.run(options)
        case "attach":
            from jackbot_tui.cli import screens

            return screens.attach(options)
        case "config":
            from jackbot_tui.settings.command import run_config
            from jackbot_tui.settings.places import places_of

            return run_config(options, places_of(os.environ), sys.stdout, sys.stderr)
        case "venues":
            from jackbot_tui.cli import venues

            return venues.run(options)
        case "doctor":
            from jackbot_tui.cli import doctor

            return doctor.run(options)
        case "paper":
            from jackbot_tui.cli import paper

            return paper.run(options)
        case "backtest":
            from jackbot_tui.cli import backtests

            return backtests.run(options)
        case "keys":
            from jackbot_tui.cli import keys

            return keys.run(options)
        case "range":
            from jackbot_tui.cli import ranges

            return ranges.run(options)
        case "keymap":
            from jackbot_tui.docgen import keys_page

            sys.stdout.write(keys_page())
            return OK
        case _:
            from jackbot_tui.cli import engines

            return engines.run(options)


def _say(error: Exception, code: int) -> int:
    for line in str(error).splitlines() or [repr(error)]:
        sys.stderr.write(f"jackbot: {line}\n")
    return code


def _say_bug(error: Exception) -> int:
    import time
    import traceback

    from jackbot_tui.settings.places import places_of, private_directory
    from jackbot_tui.settings.redaction import redact_text

    where = (
        private_directory(places_of(os.environ).state / "log")
        / f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.txt"
    )
    where.write_text(redact_text("".join(traceback.format_exception(error))))
    sys.stderr.write(f"jackbot: internal error ({type(error).__name__}); please report it with the file {where}\n")
    return FAILED
