"""`windlass sim` as lines."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import percent, wrapped
from windlass.kernel.instants import span

LABEL = 12
KINDS_SHOWN = 6
BROKEN_SHOWN = 3
FAULTS_SHOWN = 3  # of the releases that ended in one way
WAITS_SHOWN = 0.05  # shorter waits are left out
HARMLESS_BACK_MAX = 0.01  # what the evidence promises
WORDS = {
    "rolled_back": "rolled back",
    "held": "held",
    "overtaken": "overtaken",
    "never_began": "never began",
    "unfinished": "not over",
}
Item: TypeAlias = Mapping[str, Any]


def sim_lines(answer: Item, paint: Paint, width: int) -> Iterator[str]:
    """What was assumed, what became of each kind of release, and what the faults did."""
    yield f"{paint(harmless(answer['service']), 'bold')}  {paint('simulated from ' + harmless(answer['path']), 'dim')}"
    yield from _assumed(answer, width)
    harmless_one, *bads = answer["items"]
    yield ""
    yield from _harmless(harmless_one, answer, paint, width)
    for item in bads:
        yield ""
        yield from _bad(item, answer, paint, width)
    yield ""
    yield from _whole(answer, paint, width)


def _field(label: str, words: str, width: int) -> Iterator[str]:
    yield from wrapped(f"  {label:<{LABEL}}", harmless(words), width)


def _assumed(answer: Item, width: int) -> Iterator[str]:
    given = answer["assumed"]
    night = "day and night" if given["night_share"] == 1 else f"{percent(given['night_share'])} of it at night"
    yield from _field("callers", f"{_rate(given['requests_per_second'])}, {night}", width)
    if given["unit"]:
        yield from _field("", f"each request from another {given['unit']}", width)
    champion = f"fails {percent(given['errors'])} of requests, median {_short(given['latency_seconds'])}, 99 % within "
    yield from _field("champion", champion + _short(given["slow_seconds"]), width)
    steps = " > ".join(percent(share) for share in given["steps"])
    yield from _field("file", f"{steps}, each step at least {span(given['soak_seconds'])}", width)
    then = "a person is asked" if given["unsure"] == "ask" else "it goes back"
    limits = ", ".join(given["limits"]) or "no limit of its own"
    yield from _field("", f"{limits}; without a verdict after {span(given['time_limit_seconds'])} {then}", width)
    if given["freeze"]:
        yield from _field("", f"no traffic moves in {', '.join(given['freeze'])}", width)
    back, on = given["harm_evidence"], given["safety_evidence"]
    yield from _field("evidence", f"back at {back:g} for harm, on at {on:g} for the safety of each guardrail", width)
    yield from _field("not played", "the build and the gate: both are taken to go well", width)


def _harmless(item: Item, answer: Item, paint: Paint, width: int) -> Iterator[str]:
    yield f"{paint('a harmless release', 'bold')}  as good as the champion, followed {_times(item)}"
    back = item["rolled_back"]
    colour = "green" if back["share"] <= HARMLESS_BACK_MAX else "yellow"
    yield from _painted(_field("rolled back", bounded(back, item, answer), width), paint, colour)
    other = [one for one in item["begins"] if one["steps"] != answer["assumed"]["steps"]]
    if other:
        runs = sum(one["runs"] for one in other)
        words = f"{runs} of {item['runs']} with other steps than the file's: {other[0]['because']}"
        yield from _painted(_field("begins", words, width), paint, "yellow")
    full, words = item["full_seconds"], _of(item["promoted"], item)
    if full["median"] is not None:
        took = f"{span(full['median'])} (median)" if full["q95"] is None else _quantiles(full, span)
        words += f", {took} after the gate passed"
    colour = "green" if full["q95"] is not None else "yellow"
    yield from _painted(_field("all traffic", words, width), paint, colour)
    spent = sum(one["mean_seconds"] for one in item["waits"])
    waits = [one for one in item["waits"] if one["mean_seconds"] >= WAITS_SHOWN * spent]
    said = ", ".join(f"{one['for']} {span(one['mean_seconds'])}" for one in waits)
    yield from _field("waits", f"{said}; on average" if said else "", width)
    yield from _endings(item, ("promoted",), paint, width)


def _bad(item: Item, answer: Item, paint: Paint, width: int) -> Iterator[str]:
    yield f"{paint('a bad release', 'bold')}  {harmless(item['release'])}, followed {_times(item)}"
    given, promoted = answer["assumed"], item["promoted"]
    yield from _field("rolled back", _of(item["rolled_back"], item), width)
    colour = "red" if promoted["runs"] else "green"
    yield from _painted(_field("promoted", bounded(promoted, item, answer), width), paint, colour)
    yield from _field("lives", f"{_quantiles(item['lived_seconds'], span)}, from its first request to its last", width)
    yield from _spoiled(item, given, width)
    yield from _endings(item, ("promoted", "rolled_back"), paint, width)


def _spoiled(item: Item, given: Item, width: int) -> Iterator[str]:
    """What callers got from a bad release, where that has an end."""
    if item["served_requests"]["median"] is None:
        return
    if item["errors"] > given["errors"]:
        yield from _field("fails", _quantiles(item["failed_requests"], _count), width)
    if item["latency_seconds"] > given["latency_seconds"]:
        slower = f"slower than {_short(given['slow_seconds'])}"
        yield from _field("is slow for", f"{_quantiles(item['slow_requests'], _count)}, {slower}", width)
    yield from _field("answers", f"{_quantiles(item['served_requests'], _count)}, all counted", width)


def _endings(item: Item, expected: tuple[str, ...], paint: Paint, width: int) -> Iterator[str]:
    """Every other end, with the words of one release that had it."""
    for one in item["endings"]:
        if one["outcome"] not in expected:
            met = f"; it met: {', '.join(list(one['faults'])[:FAULTS_SHOWN])}" if one["faults"] else ""
            words = f"{one['runs']} of {item['runs']}: {one['example']}{met}"
            yield from _painted(_field(WORDS[one["outcome"]], words, width), paint, "yellow")


def _whole(answer: Item, paint: Paint, width: int) -> Iterator[str]:
    faults, broken = answer["faults"], answer["broken"]
    yield paint("altogether", "bold")
    releases = sum(item["runs"] for item in answer["items"])
    days = f"{answer['days']} virtual days" if answer["days"] > 1 else "one virtual day"
    played = f"{releases:,} releases on {days}, {_hours(answer['virtual_seconds'])} of them played; "
    yield from _field("played", f"{played}seed {answer['seed']}", width)
    if faults["kinds"]:
        shown = [f"{name} {count}" for name, count in list(faults["by_kind"].items())[:KINDS_SHOWN]]
        more = " …" if len(faults["by_kind"]) > KINDS_SHOWN else ""
        kinds = "one kind" if faults["kinds"] == 1 else f"{faults['kinds']} kinds"
        words = f"{faults['happened']:,}, drawn from {kinds}: {', '.join(shown)}{more}"
        yield from _field("faults", words if faults["happened"] else f"none, though {kinds} might have come", width)
    else:
        yield from _field("faults", "none; --faults all lets them happen", width)
    lost = f"{answer['unanswered_requests']:,} of {answer['requests']:,} requests found nobody"
    yield from _field("unanswered", lost, width)
    if broken:
        yield from _painted(_field("promises", f"{len(broken)} broke", width), paint, "red")
        for one in broken[:BROKEN_SHOWN]:
            words = f"release {one['number']} of {one['release']}, seed {answer['seed']}: {one['words']}"
            yield from _painted(_field("", words, width), paint, "red")
            yield from _field("again", one["again"], width)
    else:
        yield from _painted(_field("promises", "all held, at every look", width), paint, "green")


def _painted(lines: Iterator[str], paint: Paint, colour: str) -> Iterator[str]:
    """Lines whose words have a colour; the label keeps its own."""
    for line in lines:
        yield line[: LABEL + 2] + paint(line[LABEL + 2 :], colour)


def _times(item: Item) -> str:
    return "once" if item["runs"] == 1 else f"{item['runs']:,} times"


def _of(share: Item, item: Item) -> str:
    return f"{share['runs']:,} of {item['runs']:,}"


def bounded(share: Item, item: Item, answer: Item) -> str:
    """How many of them, and how many it may be of all that are like them."""
    least, most = (_percent(share[name]) for name in ("at_least", "at_most"))
    sure = f"with {percent(answer['confidence'])} confidence"
    if not share["runs"]:
        return f"{_of(share, item)}: at most {most} {sure}"
    if share["runs"] == item["runs"]:
        return f"{_of(share, item)}: at least {least} {sure}"
    return f"{_of(share, item)}: at least {least} and at most {most}, each {sure}"


def _percent(share: float) -> str:
    """A share in two digits, or three where it is nearly all.

    >>> _percent(0.0296), _percent(0.058), _percent(0.776), _percent(0.997)
    ('3 %', '5.8 %', '78 %', '99.7 %')
    """
    return f"{100 * share:.{2 if share < 0.99 else 3}g} %"


def _quantiles(found: Item, words: Callable[[float], str]) -> str:
    """Median and 95 % quantile in words; a value that is null had no end when the story ended."""
    median, q95 = ("without an end" if found[name] is None else words(found[name]) for name in ("median", "q95"))
    return f"{median} (median), {q95} (95 %)" if median != q95 else f"{median} (median and 95 %)"


def _count(number: float) -> str:
    return "1 request" if number == 1 else f"{number:,.0f} requests"


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _hours(seconds: float) -> str:
    return span(seconds) if seconds < 2 * 86_400 else f"{seconds / 3600:,.0f} h"


def _rate(per_second: float) -> str:
    for factor, unit in ((1, "second"), (60, "minute"), (3_600, "hour")):
        if per_second * factor >= 1:
            return f"{_number(per_second * factor)} requests a {unit}"
    return f"{_number(per_second * 86_400)} requests a day"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
