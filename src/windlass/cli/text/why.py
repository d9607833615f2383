"""`windlass why` as lines: the state, what each stage says, the verdicts, and the facts in order."""

from collections.abc import Iterator, Mapping
from typing import Any

from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import clock, local_times, size, wrapped
from windlass.kernel.digests import short

COLOURS = {"pass": "green", "fail": "red", "unsure": "yellow"}
SIGNS = {"pass": "+", "fail": "x", "unsure": "?", "not applicable": "-"}


def why_lines(answer: Mapping[str, Any], paint: Paint, width: int) -> Iterator[str]:
    """The chain, newest state first, then what led there in the order in which it happened."""
    release = answer.get("release")
    about = f"  {answer['about']}" if release else ""
    yield f"{paint(answer['service'], 'bold')}{about}  {answer['state']}"
    if answer.get("sentence"):
        yield from wrapped("  ", harmless(str(answer["sentence"])), width)
    if answer.get("waiting_for"):
        yield from wrapped("  until ", local_times(harmless(str(answer["waiting_for"]))), width)
    if release:
        yield from _release(release, width)
    if answer.get("stages"):
        yield ""
    for stage in answer.get("stages", ()):
        until = f"; until {stage['until']}" if stage.get("until") else ""
        words = f"{stage['move']}: {stage['because']}{until}"
        yield from wrapped(f"  {harmless(str(stage['stage'])):<12}", local_times(harmless(words)), width)
        for line in stage.get("evidence", ()):
            if str(line).startswith("blake3:"):
                continue  # for programs: the sentence names it already
            yield from wrapped(f"  {'':<14}", harmless(str(line)), width)
    for verdict in answer.get("verdicts", ()):
        yield ""
        yield from _verdict(verdict, paint, width)
    yield ""
    for fact in answer.get("items", ()):
        yield from wrapped(f"  {clock(fact['at'])}  ", local_times(harmless(str(fact["sentence"]))), width)


def _release(release: Mapping[str, Any], width: int) -> Iterator[str]:
    """Where a release came from."""
    made = f"{clock(release['made_at'])}, {release['format']}, {size(release['size_bytes'])}"
    yield from wrapped("  commit  ", harmless(f'{short(release["commit"])} "{release["subject"]}"'), width)
    yield from wrapped("  made    ", harmless(made), width)


def _verdict(verdict: Mapping[str, Any], paint: Paint, width: int) -> Iterator[str]:
    word = str(verdict["verdict"])
    fate = f", {str(verdict['fate']).replace('_', ' ')}" if verdict.get("fate") else ""
    head = f'  gate {word} for {short(verdict["release"])} "{harmless(str(verdict["subject"]))}"{fate}'
    yield paint(head, COLOURS.get(word, "bold"))
    if not verdict.get("checks"):
        yield from wrapped("    ", harmless(str(verdict["sentence"])), width)
    for check in verdict.get("checks", ()):
        sign = SIGNS.get(str(check.get("verdict")), "?")
        against = " (against the best)" if check.get("relative_to") == "best" else ""
        words = str(check.get("sentence") or "").removeprefix(f"{check.get('metric')}: ")  # the line names it
        line = f"{check.get('line')}{against}: {words}".removesuffix(": ")
        yield from wrapped(f"    {sign} ", harmless(line), width)
    for note in verdict.get("notes", ()):
        for line in wrapped("    ! ", harmless(str(note)), width):
            yield paint(line, "yellow")
    if verdict.get("fate_because"):
        yield from wrapped("    ", harmless(str(verdict["fate_because"])), width)
