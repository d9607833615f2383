"""People first: what they did at a site while it was alone, and what they ask for now, come before any stage."""

from windlass.delivery.rollouts.acts import answer
from windlass.facts import types as kinds
from windlass.facts.counts import JournalEntry
from windlass.facts.state import ActState, ServiceState
from windlass.planner import views
from windlass.planner.types import Draft


def adopt_journals(draft: Draft) -> Draft:
    """Entries of the sites' journals become facts, once per site and sequence number, before anything is planned."""
    for seen in draft.snapshot.sites:
        for entry in sorted(seen.report.journal, key=lambda one: one.seq):
            known = draft.state.journal_seen.get(seen.report.site, 0)
            if entry.service == draft.state.service and entry.seq > known:
                draft = _adopt(draft, seen.report.site, entry)
    return draft


def _adopt(draft: Draft, site: str, entry: JournalEntry) -> Draft:
    acted = kinds.SiteActed(site, entry.seq, entry.verb, entry.leaves, entry.returns_to, entry.who, entry.reason)
    draft = draft.with_facts(acted)
    if not _still_matters(draft.state, entry):
        return draft
    arguments = {"to": entry.returns_to} if _leaves_live(draft.state, entry) else {}
    act = ActState(f"{site}/{entry.seq}", entry.verb, entry.who, entry.reason, arguments, draft.snapshot.now)
    return draft.with_facts(*answer(act, draft.state, views.candidate_of))


def _still_matters(state: ServiceState, entry: JournalEntry) -> bool:
    if _leaves_live(state, entry):
        return entry.verb == "rollback"
    return state.rollout is not None and state.rollout.release == entry.leaves


def _leaves_live(state: ServiceState, entry: JournalEntry) -> bool:
    return bool(entry.leaves) and entry.leaves == state.live


def answer_acts(draft: Draft) -> Draft:
    """Each act that was asked is answered once; a freeze whose time has come ends by itself."""
    for act in draft.state.acts:
        draft = draft.with_facts(*answer(act, draft.state, views.candidate_of))
    freeze = draft.state.freeze
    if freeze is not None and freeze.until is not None and draft.snapshot.now >= freeze.until:
        draft = draft.with_facts(kinds.Thawed("windlass", "the freeze has ended"))
    return draft
