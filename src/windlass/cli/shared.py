"""Flags that every verb takes, before the verb or after it."""

import os
from collections.abc import Callable
from typing import Any

import click

from windlass.kernel.errors import UserMistake


def shared_flags() -> list[click.Parameter]:
    """Fresh flags, since click keeps state in them."""
    return [
        click.Option(["-C", "directory"], metavar="DIR", help="Act as if started in DIR."),
        click.Option(["-o", "--output"], type=click.Choice(["text", "json"]), help="What stdout holds: text or JSON."),
        click.Option(["--name"], metavar="NAME", help="Which Windlass of this account (WINDLASS_NAME)."),
        click.Option(["-q", "--quiet"], is_flag=True, help="No talk on stderr but errors."),
        click.Option(["-v", "--verbose"], is_flag=True, help="More talk: which home, and what said so."),
        click.Option(["--no-color", "no_color"], is_flag=True, help="No colours (NO_COLOR)."),
    ]


NAMES = [str(flag.name) for flag in shared_flags()]


class Verb(click.Command):
    """A command that takes the shared flags and hands its function a `Session` first."""

    def __init__(self, *args: Any, outputs: tuple[str, ...] = ("text", "json"), **kwargs: Any) -> None:
        flags = shared_flags()
        flags[1].type = click.Choice(outputs)
        kwargs["params"] = [*kwargs.get("params", ()), *flags]
        super().__init__(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the shared flags, make the session, call the function."""
        from windlass.cli.session import Session  # it loads what `--help` does not need
        from windlass.cli.talk import Talk

        before = ctx.parent.params if ctx.parent is not None else {}
        own = {name: ctx.params.pop(name) for name in NAMES}
        chosen = {name: value or before.get(name) for name, value in own.items()}
        _move_to(before.get("directory"), own["directory"])
        talk = Talk(
            output=chosen["output"] or "text",
            quiet=bool(chosen["quiet"]),
            verbose=bool(chosen["verbose"]),
            colour=not chosen["no_color"],
        )
        ctx.obj = Session(ctx.obj, talk, chosen["name"] or os.environ.get("WINDLASS_NAME", ""))
        return super().invoke(ctx)


def verb(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function of (session, **flags) a verb; its docstring is the help."""

    def wrap(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=Verb, **attributes)(click.pass_obj(function))

    return wrap


def _move_to(first: str | None, then: str | None) -> None:
    for folder in (one for one in (first, then) if one):
        try:
            os.chdir(folder)
        except OSError as error:
            raise UserMistake(f"{error.strerror}", code="bad-folder", where=f"-C {folder}") from error
