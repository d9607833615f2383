"""The list of verbs, and what happens around each: lazy loading, shared flags, errors, exit codes."""

import importlib
import io
import os
import signal
import sys
from types import FrameType

import click
from click.shell_completion import CompletionItem

from windlass.cli.doors import Doors
from windlass.cli.exits import Exit, exit_of
from windlass.cli.talk import Paint, wants_colour
from windlass.kernel.errors import UserMistake, WindlassError

# Verb, where its command lies, and its line in `--help`. In the order in which people meet them.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "init": ("windlass.cli.verbs.init:command", "write a working example into a repository"),
        "validate": ("windlass.cli.verbs.validate:command", "check windlass.yaml and say all that is wrong"),
        "plan": ("windlass.cli.verbs.plan:command", "what this working copy would bring about"),
        "sim": ("windlass.cli.verbs.sim:command", "what a file would mean for callers, before it is merged"),
        "up": ("windlass.cli.verbs.up:command", "start Windlass for a repository"),
        "down": ("windlass.cli.verbs.down:command", "stop it: gateway, replicas, builds, everything"),
    },
    "Look": {
        "status": ("windlass.cli.verbs.status:command", "what serves, what moves, what is waited for"),
        "why": ("windlass.cli.verbs.why:command", "the chain that led to a state"),
        "logs": ("windlass.cli.verbs.logs:command", "logs of builds, gates and replicas"),
        "doctor": ("windlass.cli.verbs.doctor:command", "check this machine, and say which settings won"),
    },
    "Act": {
        "promote": ("windlass.cli.verbs.acts:promote", "move traffic on to the next step, or all of it"),
        "pause": ("windlass.cli.verbs.acts:pause", "keep the rollout where it is"),
        "resume": ("windlass.cli.verbs.acts:resume", "let traffic move again"),
        "abort": ("windlass.cli.verbs.acts:abort", "end the rollout, or the build or gate that runs"),
        "rollback": ("windlass.cli.verbs.acts:rollback", "go back to an earlier release and freeze"),
        "undo": ("windlass.cli.verbs.acts:undo", "the same as rollback"),
        "retry": ("windlass.cli.verbs.acts:retry", "build or judge again, or lift a quarantine"),
        "freeze": ("windlass.cli.verbs.acts:freeze", "stop all movement of traffic"),
        "retire": ("windlass.cli.verbs.acts:retire", "take a service down for good"),
        "sync": ("windlass.cli.verbs.sync:command", "look at Git now"),
        "send": ("windlass.cli.verbs.send:command", "send sample requests through the gateway"),
    },
    "More": {
        "gate": ("windlass.cli.verbs.gate:command", "compare two files of predictions, without a server"),
        "gc": ("windlass.cli.verbs.gc:command", "remove what nothing can reach any more"),
        "schema": ("windlass.cli.verbs.schema:command", "the JSON Schema of windlass.yaml, for editors"),
        "completion": ("windlass.cli.verbs.completion:command", "completion for bash, zsh or fish"),
        "version": ("windlass.cli.verbs.version:command", "which Windlass this is"),
        "holdout": ("windlass.cli.verbs.holdout:command", "how held-out rows are renewed"),
        "apply": ("windlass.cli.verbs.apply:command", "there is no apply: commit to the watched branch"),
    },
}
VERBS = {verb: entry for section in SECTIONS.values() for verb, entry in section.items()}
LONGEST = max(map(len, VERBS))


class Verbs(click.Group):
    """The root command: it imports a verb's module when the verb is typed, and none for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], list(VERBS), 1)
            hint = f"did you mean {near[0]}?" if near else "see `windlass --help`"
            raise click.UsageError(f'there is no command "{args[0]}"; {hint}', ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs from the list, since loading every module would make each TAB wait."""
        return [CompletionItem(verb, help=line) for verb, (_, line) in VERBS.items() if verb.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.ljust(LONGEST), line) for verb, (_, line) in verbs.items()])


def _version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from windlass import __version__

        click.echo(f"windlass {__version__}")
        ctx.exit()


def root() -> click.Group:
    """The whole command line as click sees it."""
    from windlass.cli.shared import shared_flags

    return Verbs(
        "windlass",
        params=[
            *shared_flags(),
            click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version),
        ],
        callback=lambda **_: None,
        help="Takes every commit of a model to judged, watched production.",
        epilog="Names are <noun>/<name>; a bare name is a service. Digests and commits may be cut to 8 characters.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def main(doors: Doors, arguments: list[str] | None = None) -> int:
    """Run one command; the exit code. No error of any kind reaches a person as a traceback."""
    typed = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        return _run(doors, typed)
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except _Terminated:
        return Exit.TERMINATED
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(doors: Doors, typed: list[str]) -> int:
    try:
        outcome = root().main(typed, "windlass", standalone_mode=False, obj=doors)
        return int(outcome) if isinstance(outcome, int) else Exit.DONE
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return Exit.USAGE
    except click.Abort:
        raise
    except click.ClickException as error:
        return _fail(_mistake(error), typed)
    except WindlassError as error:
        return _fail(error, typed)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains once more at its end
        return Exit.TOOL
    except Exception as error:
        return _unexpected(error, typed)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise _Terminated


class _Terminated(BaseException):
    pass


def _mistake(error: click.ClickException) -> UserMistake:
    from windlass.cli.talk import harmless

    message = harmless(error.format_message()).rstrip(".")
    context = getattr(error, "ctx", None)
    remedy = f"see `{context.command_path} --help`" if context is not None and ";" not in message else ""
    return UserMistake(message[:1].lower() + message[1:], code="usage", remedy=remedy)


def _fail(error: WindlassError, typed: list[str]) -> int:
    from windlass.cli.talk import harmless

    if wants_json(typed):
        import json

        from windlass.sdk.problems import problem_of

        print(json.dumps(problem_of(error), ensure_ascii=False), file=sys.stderr)
    else:
        paint = Paint(wants_colour(sys.stderr, "--no-color" in typed))
        print(f"{paint('windlass:', 'red', 'bold')} {harmless(str(error))}", file=sys.stderr)
    if os.environ.get("WINDLASS_DEBUG") == "1":
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return exit_of(error)


def _unexpected(error: Exception, typed: list[str]) -> int:
    """A bug of ours: one line, and where the rest is."""
    from windlass.kernel.errors import Bug, clip

    where = _written_down(error, typed)
    remedy = f"the details are in {where}; WINDLASS_DEBUG=1 shows them here" if where else "WINDLASS_DEBUG=1 shows more"
    bug = Bug(f"this is a bug of Windlass: {type(error).__name__}: {clip(str(error))}", code="bug", remedy=remedy)
    bug.__cause__ = error
    return _fail(bug, typed)


def _written_down(error: Exception, typed: list[str]) -> str:
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="windlass-bug-", suffix=".txt", delete=False) as file:
            print("windlass", *typed, file=file)
            traceback.print_exception(error, file=file)
            return file.name
    except OSError:
        return ""


def wants_json(typed: list[str]) -> bool:
    """Whether `-o json` was typed, for errors that come before the flags are read."""
    pairs = zip(typed, [*typed[1:], ""], strict=True)
    return any(
        one in ("-ojson", "--output=json") or (one in ("-o", "--output") and two == "json") for one, two in pairs
    )
