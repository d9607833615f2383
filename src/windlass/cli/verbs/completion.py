"""`windlass completion`: the script that makes a shell complete verbs and flags."""

import click

from windlass.cli.session import Session
from windlass.cli.shared import verb

SHELLS = ("bash", "zsh", "fish")
WHERE = {
    "bash": 'add to ~/.bashrc: eval "$(windlass completion bash)"',
    "zsh": 'add to ~/.zshrc: eval "$(windlass completion zsh)"',
    "fish": "windlass completion fish > ~/.config/fish/completions/windlass.fish",
}


@verb("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(session: Session, shell: str) -> None:
    """The completion script of a shell, on stdout."""
    from click.shell_completion import get_completion_class

    from windlass.cli.app import root

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(root(), {}, "windlass", "_WINDLASS_COMPLETE").source()
    session.talk.give("completion", {"shell": shell, "script": script})
    session.talk.write(script)
    session.talk.say(WHERE[shell])
