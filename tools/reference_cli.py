"""Makes the reference page of the command line from the commands themselves.

python -m tools.reference_cli
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from windlass.cli.app import SECTIONS, root
from windlass.cli.shared import NAMES, shared_flags

ROOT = Path(__file__).parents[1]
WHERE = "docs/reference/cli.md"

_HEAD = """\
# The commands

```sh
cd my-repository
windlass init && git add -A && git commit -m "First release"
windlass up
windlass status -w
```

**What happens then.** `init` writes an example, `up` starts Windlass in the background and watches the current branch.
Every commit from now on is built, judged and, if it passes, gets traffic step by step. `status -w` shows it live.

## Words

Names are `<noun>/<name>`; a bare name is a service, and where there is only one it may be left out. Digests and commits
may be cut to 8 or more characters. Quantities carry their unit: `30s`, `10m`, `50/s`.

**Which Windlass.** `--name` or `WINDLASS_NAME`; else the pointer `.windlass/home` that `up` wrote here or in a folder
above; else the name of the repository's folder. State lies in `$XDG_STATE_HOME/windlass/<name>` (without that variable
`~/.local/state/windlass/<name>`). `windlass doctor` says which one won, and why.

## Streams

Data goes to stdout, talk to stderr; `-q` silences the talk. With `-o json` stdout is one JSON object (with `-w` and
`-f` one a line) or empty. It begins with `"api": "windlass/v1"` and `"kind"`; lists stand under `items`, times are
RFC 3339 in UTC, shares 0 to 1, units are in the key, unknown is null. An error is then a problem document (RFC 9457) on
stderr: `{"type": "/problems/no-such-service", "title", "status", "detail", "where", "remedy"}`. Text shows the local
time zone.

Colours appear on a terminal unless `NO_COLOR` is set, `TERM` is `dumb`, or `--no-color` is given. Work over a second
shows what it waits for.

## Exit codes

| Code | Meaning |
|---|---|
| 0 | done, passed, or nothing to do; `status` is 0 however bad the state that it shows |
| 1 | a tool or the world failed: no connection or answer, a full disk, a crashed build, a bug. No verdict exists |
| 2 | usage: an unknown flag, a bad argument, a file that does not validate |
| 10 | the gate failed: a statistical no |
| 11 | inconclusive: not enough evidence |
| 12 | the rollout that was waited for went back |
| 13 | refused: by policy, quarantine or freeze, or cancelled by a person |
| 124, 130, 143 | `--timeout` passed; interrupted; terminated |

Only commands that compute or wait for a verdict return 10 to 12. For several services the code is the first of 1, 12,
10, 13, 11 that occurred.
"""

_TAIL = """\
## When the control plane is dead

`status`, `rollback`, `abort` and `pause` then go to the site agent of this machine, which says that it acts alone. A
rollback takes the way back that the last plan names. The act is kept in the site's journal and holds until the control
plane, back again, has made it a fact.

## What can go wrong

| You see | Do this |
|---|---|
| `Windlass does not run here` | `windlass up`; with `--name` or `-C` if another one is meant |
| `port 8080 is taken by ...` | end that process, or `windlass up --port 8090` |
| `the Windlass called ... began with ...` | two repositories have folders of one name: choose `--name` |
| `... did not answer within 90 s` | `windlass doctor`, and the log that the message names |
| `no traffic has reached ...`, a rollout that waits for requests | `windlass send`, or wait for callers |
| `this is a bug of Windlass` | the message names a file with the details; `WINDLASS_DEBUG=1` shows them at once |
"""


def cli_page() -> str:
    """The page on the command line, one heading a verb."""
    return "\n".join([_HEAD, *_shared(), *_verbs(), _TAIL])


def _shared() -> Iterator[str]:
    yield "## Flags of every verb\n\nThey may stand before the verb or after it.\n"
    yield from _flags(shared_flags())
    yield ""


def _verbs() -> Iterator[str]:
    group = root()
    context = click.Context(group, info_name="windlass")
    for title, verbs in SECTIONS.items():
        yield f"## {title}\n"
        for name in verbs:
            command = group.get_command(context, name)
            assert command is not None
            yield from _verb(name, command, context)


def _verb(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    arguments = [part for part in command.collect_usage_pieces(context) if part != "[OPTIONS]"]
    yield f"### windlass {name}\n"
    yield "    " + " ".join(["windlass", name, *arguments]) + "\n"
    yield _prose(command.help or "")
    own = [one for one in command.params if isinstance(one, click.Option) and one.name not in NAMES]
    if own:
        yield from _flags(own)
        yield ""


def _prose(text: str) -> str:
    """The help as Markdown: paragraphs marked as preformatted become code."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = [line.rstrip() for line in paragraph.splitlines()]
        if lines[:1] == ["\b"]:
            parts.append("\n".join(f"    {line}" for line in lines[1:]))
        else:
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _flags(flags: list[click.Parameter] | list[click.Option]) -> Iterator[str]:
    yield "| Flag | Meaning |\n|---|---|"
    for flag in flags:
        if isinstance(flag, click.Option):
            takes = "" if flag.is_flag else f" {flag.metavar or _choices(flag)}"
            names = ", ".join((*flag.opts, *flag.secondary_opts))
            yield f"| `{names}{takes}` | {flag.help or ''} |"


def _choices(flag: click.Option) -> str:
    if isinstance(flag.type, click.Choice):
        return " or ".join(str(choice) for choice in flag.type.choices)
    return flag.type.name.upper()


def main() -> None:
    """Write the page."""
    path = ROOT / WHERE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(cli_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
