"""`windlass why`: the chain that led to a state."""

import click

from windlass.cli.names import complete_service, noun_and_name, only, release_or_service, services_of
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.text.why import why_lines


@verb("why")
@click.argument("subject", default="", metavar="[NOUN/]NAME", shell_complete=complete_service)
def command(session: Session, subject: str) -> None:
    """What each stage says now, and the facts before it: commits, builds, verdicts, steps, people's acts.

    NAME is a service; builds/<service>, gates/<service> or rollouts/<service> for one stage of it; or the digest or
    commit of a release, or releases/<digest or commit>: its commit, its build, its verdict, its rollouts and what
    became of it.
    """
    noun, name = noun_and_name(subject) if subject else ("services", "")
    if noun == "services":
        known = services_of(session)
        noun, name = release_or_service(name, known) if name else (noun, only(known))
    answer = session.api.get("v1", "why", noun, name)
    session.talk.give("why", answer)
    for line in why_lines(answer, session.talk.paint, session.talk.width):
        session.talk.write(line)
