"""A control plane knows of each site what the agent that lives said last, however messages overtake each other."""

from windlass.adapters.sites import MailboxSites
from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant

NOW = 1_800_000_000_000


def report(boot: str, seq: int, at: int) -> SiteReport:
    return SiteReport("local", 1, seq, at, boot=boot)


def heard(*messages: SiteReport) -> tuple[str, int]:
    """The process and number of the report that stands after messages that arrive one after the other."""
    sites = MailboxSites()
    for number, message in enumerate(messages):
        sites.accept(message, Instant(NOW + number))
    ((found, _),) = sites.reports()
    return found.boot, found.seq


def test_a_late_message_of_an_ended_agent_deafens_nobody() -> None:
    """Where an old agent's last message comes after the new agent's first, the new one is heard again soon."""
    new, late = report("b", 900, NOW), report("a", 7, NOW - 20_000)
    assert ("b", 902) == heard(new, late, report("b", 901, NOW), report("b", 902, NOW))


def test_an_ended_agent_stays_ended() -> None:
    """Late messages of an agent that another has followed change nothing while the other goes on, whatever their
    numbers: a new agent may have lost its own."""
    old, new = report("a", 900, NOW), report("b", 1, NOW)
    assert ("b", 1) == heard(old, new, report("a", 901, NOW))
    assert ("b", 1) == heard(old, new, report("a", 901, NOW), report("a", 901, NOW))
    assert ("b", 3) == heard(old, new, report("a", 901, NOW), report("b", 3, NOW), report("a", 902, NOW))


def test_what_comes_twice_or_out_of_order_changes_nothing() -> None:
    """Of one process the highest number stands, and makes nothing fresher when it comes again."""
    sites = MailboxSites()
    for seq, at in ((1, 0), (2, 1000), (1, 9000), (2, 9000)):
        sites.accept(report("a", seq, NOW + 1000 * seq), Instant(NOW + 1000 + at))
    assert [(2, NOW + 2000)] == [(found.seq, at) for found, at in sites.reports()]
