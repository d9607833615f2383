"""`windlass status` as lines: what serves, what moves, the evidence against its two thresholds, what is waited for."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import ago, bar, brief, evidence_number, local_times, log_bar, percent, wrapped
from windlass.kernel.digests import short

Item = Mapping[str, Any]
LABEL = 12
SCALE = 10
GOOD, BUSY = ("live",), ("building", "judging", "rolling out")
BAD = ("contradiction", "failed", "gate fail", "not ready", "refused")


def status_lines(answer: Item, paint: Paint, width: int) -> Iterator[str]:
    """The whole status. `width` is that of the terminal; 0 wraps nothing."""
    if answer.get("trouble"):
        yield from wrapped("control plane in trouble: ", harmless(answer["trouble"]), width)
    listed = {complaint for item in answer.get("items", ()) for complaint in item.get("refused", ())}
    for repository in answer.get("repositories", ()):
        yield from _repository(repository, listed, paint, width)
    for site in answer.get("sites", ()):
        yield from _site(site, paint, width)
    if not answer.get("items"):
        yield "no service yet"
    for item in answer.get("items", ()):
        yield ""
        yield from service_lines(item, str(answer["at"]), paint, width)


def _repository(one: Item, listed: Collection[str], paint: Paint, width: int) -> Iterator[str]:
    """The branch and what is wrong with it; what stands in the list of a service is not said twice."""
    commit = f"at {short(one['commit'])}" if one.get("commit") else "not read yet"
    yield from wrapped("", harmless(f"watching {one['branch']} of {one['repository']}, {commit}"), width)
    for complaint in (words for words in one.get("complaints", ()) if words not in listed):
        for line in wrapped("  wrong: ", harmless(complaint), width):
            yield paint(line, "red")


def _site(site: Item, paint: Paint, width: int) -> Iterator[str]:
    if site.get("age_seconds", 0.0) > 60:
        yield paint(f"site {site['site']}: silent for {site['age_seconds']:.0f} s", "red")
    if site.get("gap"):
        yield paint(f"site {site['site']}: lines are missing from the gateway's log", "yellow")
    for what, words in sorted(site.get("stuck", {}).items()):
        for line in wrapped(f"site {site['site']}, {what}: ", harmless(str(words)), width):
            yield paint(line, "red")


def is_settled(item: Item) -> bool:
    """Whether a service is live and nothing else about it needs a look."""
    newest = list(item.get("builds", ()))[-1:]
    troubles = [build for build in newest if build["state"] == "failed"] or item.get("refused") or item.get("frozen")
    return item["state"] == "live" and not troubles


def service_lines(item: Item, now: str, paint: Paint, width: int) -> Iterator[str]:
    """One service, its own name first."""
    yield f"{paint(item['service'], 'bold')}  {_state(str(item['state']), paint)}"
    if item["state"] != "refused":
        yield from _field("", brief(str(item.get("sentence") or "")), width)
    yield from _refused(item, paint, width)
    yield from _waiting(item, now, width)
    yield from _commit(item, now, width)
    for route in item.get("routes", ()):
        yield _route(route, item, paint, width)
    if item.get("rollout"):
        yield from _rollout(item["rollout"], paint, width)
    yield from _candidate(item, width)
    yield from _troubles(item, now, paint, width)


def _state(state: str, paint: Paint) -> str:
    colour = "green" if state in GOOD else "red" if state in BAD else "cyan" if state in BUSY else "yellow"
    return paint(state, colour)


def _field(label: str, words: object, width: int) -> Iterator[str]:
    if words:
        yield from wrapped(f"  {label + ' ':<{LABEL}}", local_times(harmless(str(words))), width)


def _refused(item: Item, paint: Paint, width: int) -> Iterator[str]:
    """What is wrong with the file of the newest commit, one complaint a line."""
    if item.get("refused"):
        yield from _field("refused", f"the file of commit {short(item['refused_commit'])}:", width)
    for complaint in item.get("refused", ()):
        for line in _field("", complaint, width):
            yield paint(line, "red")


def _waiting(item: Item, now: str, width: int) -> Iterator[str]:
    if item.get("waiting_for"):
        words, until = str(item["waiting_for"]), item.get("waiting_until")
        if until and until not in words:
            words += f", {until}"
        yield from _field("until", local_times(words, now), width)


def _commit(item: Item, now: str, width: int) -> Iterator[str]:
    commit = item.get("commit")
    if commit:
        author = str(commit["author"]).partition(" <")[0]
        words = f'{short(commit["commit"])} "{commit["subject"]}" by {author}, {ago(commit["seen_at"], now)}'
        yield from _field("commit", words, width)
    running = [build for build in item.get("builds", ()) if build["state"] == "running"]
    for build in running:
        yield from _field("builds", f"{short(build['commit'])} {build['progress']}".rstrip(), width)


def _route(route: Item, item: Item, paint: Paint, width: int) -> str:
    release = str(route["release"])
    ready = sum(one["release"] == release and one["state"] == "ready" for one in item.get("replicas", ()))
    replicas = f"{ready} ready" if ready != 1 else "ready"
    known = [one for one in (item.get("live"), item.get("candidate")) if one and one["release"] == release]
    subject = f' "{harmless(str(known[0]["subject"]))}"' if known else ""
    room = max(10, min(30, (width or 80) - 50))
    share = bar(float(route["share"]), room)
    head = f"  {harmless(str(route['role'])):<{LABEL}}{short(release)} {percent(route['share']):>6} "
    tail = f" {replicas}{subject}"
    if width and len(head) + room + len(tail) > width:
        tail = tail[: max(0, width - len(head) - room - 1)] + "…"
    return head + paint(share, "green" if route["role"] == "champion" else "cyan") + tail


def _rollout(rollout: Item, paint: Paint, width: int) -> Iterator[str]:
    steps = " > ".join(
        paint(percent(share), "bold") if index == rollout["step"] else percent(share)
        for index, share in enumerate(rollout["shares"])
    )
    yield f"  {'steps':<{LABEL}}{steps}"
    if rollout.get("paused_by"):
        yield from _field("paused by", f"{rollout['paused_by']}: {rollout.get('paused_reason') or ''}", width)
    evidence = rollout["evidence"]
    if not rollout.get("champion"):
        return
    back = f"goes back at {rollout['harm_e_min']:g}"
    yield _cut(_scale("harm", evidence["harm_e"], rollout["harm_e_min"], paint), back, width)
    for guardrail in evidence.get("guardrails", ()):
        missing = guardrail.get("requests_short")
        reached = guardrail["safety_e"] >= rollout["safety_e_min"]
        safe = "shown safe" if reached else f"needs {rollout['safety_e_min']:g} to be shown safe"
        tail = f"{safe}, about {missing:,} more" if missing else safe
        scale = _scale(guardrail["name"], guardrail["safety_e"], rollout["safety_e_min"], paint)
        yield _cut(scale, tail, width)
    counted = (
        f"candidate {evidence['canary_requests']:,} ({evidence['canary_failed']:,} failed), "
        f"champion {evidence['control_requests']:,} ({evidence['control_failed']:,} failed)"
    )
    synthetic = f", {percent(evidence['synthetic_share'])} synthetic" if evidence.get("synthetic_share") else ""
    yield from _field("requests", counted + synthetic, width)


def _cut(head: str, tail: str, width: int) -> str:
    """A line that ends where the terminal does, with a mark where something is left out."""
    room = width - len(harmless(head)) - 1 if width else len(tail)
    return f"{head} {tail}" if len(tail) <= room else f"{head} {tail[: max(0, room - 1)]}…"


def _scale(name: str, evidence: float, threshold: float, paint: Paint) -> str:
    reached = evidence >= threshold
    colour = ("red" if name == "harm" else "green") if reached else "dim"
    shown = paint(log_bar(evidence, threshold, SCALE), colour) + "│"
    return f"  {harmless(name):<{LABEL}}{evidence_number(evidence):>11} {shown}"


def _candidate(item: Item, width: int) -> Iterator[str]:
    candidate = item.get("candidate")
    if candidate and candidate.get("verdict"):
        words = f"{candidate['verdict']}: {candidate['verdict_sentence']}" + (
            " (overridden)" if candidate.get("overridden") else ""
        )
        yield from _field("gate", words, width)


def _failed(build: Item, item: Item) -> str:
    """Why the newest build failed, where the sentence of the service does not say so already, and where to read on."""
    logs = f"`windlass logs {item['service']} --source build`"
    words = str(build["words"])
    if build["kind"] == "cancelled":
        return f"{words} ({logs})"
    if words and words in str(item.get("sentence") or ""):
        return f"{logs} shows all that it wrote"
    return f"of commit {short(build['commit'])} failed: {brief(words)} ({logs})"


def _troubles(item: Item, now: str, paint: Paint, width: int) -> Iterator[str]:
    for build in item.get("builds", ())[-1:]:
        if build["state"] == "failed":
            yield from _field("build", _failed(build, item), width)
    if item.get("frozen") and item["state"] != "frozen":
        frozen = item["frozen"]
        yield from _field("frozen by", f"{frozen['who']}: {frozen['reason'] or 'no reason given'}", width)
    for one in item.get("quarantine", ()):
        yield from _field("quarantined", f"{short(one['release'])} {one['because']}", width)
    for replica in item.get("replicas", ()):
        if replica["state"] != "ready":
            words = f"{replica['name']} {replica['state']}: {replica['words']}".rstrip(": ")
            yield from _field("replica", words, width)
