"""Poisoned files and plans: what nobody should follow, made from a good one.

Some are good text that was cut, doubled or scrambled; the others say wrong things in the right form, at a place that
is drawn from what the good one says. A few turn out harmless: whoever reads them must see which.
"""

import json
import random
from collections.abc import Callable, Collection
from copy import deepcopy
from functools import lru_cache
from typing import Any

from windlass.delivery.sources.reading import read_document


class Yaml(str):
    """A piece of YAML that is written as it stands."""


# What stands where a value was: wrong types, numbers beyond all bounds, tricks of YAML and of Unicode, foreign grammar.
_ODD = r"""
~ | '' | ' ' | yes | true | -1 | 0 | 1 | 65 | -0.0 | 0.5 | 1.5 | 5% | 200% | -5% | 5 % | 1pp | 2026-01-01 | 3.10 | 0755
.nan | NaN | .inf | -.inf | 1e308 | 1e999 | 1_000 | 0x1F | 1:30 | 0s | 10s | 30 | -1h | 1h30m | 999999999999w
16Mi | 512TB | 99999999999Ti | [] | {} | [[]] | [~] | {a: } | {a: {b: {c: 1}}} | ! x | {<<: *a}
*a | &a 1 | &a [*a] | !!float 1 | !!binary aGk= | !!python/object/apply:os.system [true]
errors <= 1% | errors <= 0% | p99 <= 300ms | p42 <= 1s | roc_auc >= 0.70 | roc_auc >= 2 | roc_auc = 0.7
approve: 1 of x | accuracy not worse than champion by 1% | rows >= 99999999999 | missing(x) <= 200%
fri 16:00..mon 08:00 | fri 16:00..fri 16:00 | fri 25:00..mon 99:99 | always | canary | ab | ../../etc/passwd | / | .
file:///etc/passwd | file://%2e%2e/x | s3://b/k | C:\x | data | a/../../b
"\0" | "\e[31m" | "\u202e%5" | "\u200b" | "\ud800" | "a\nb" | "\x85" | "\u0665%" | "\uff15%" | "5\uff05"
"""
ODD = (
    *(
        "",
        "1" * 18,
        "9" * 400,
        "x" * 10_000,
        '"' + r"\u0301" * 500 + '"',
        "[" * 25 + "]" * 25,
        "{a: " * 25 + "}" * 25,
    ),
    *("[" + "1," * 300 + "]", "{" + ", ".join(f"k{number}: 1" for number in range(60)) + "}"),
    *(one.strip() for line in _ODD.strip().splitlines() for one in line.split("|")),
)
_KEYS = r"""gates | Gate | "g\u0430te" | ~ | 1 | true | [a] | << | ? a | "\u202e" | &a x | 'a b' | *a | !!str a"""
KEYS = ("", "k" * 2_000, *(one.strip() for one in _KEYS.split("|")))
NEEDED = ("service", "train", "data", "gate")  # without them every other file would be refused for the same reason
POLICY = ("gate", "rollout", "freeze", "timezone", "replicas", "memory", "timeout", "idempotent", "breaking")
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("-inf"),
    10**30,
    "",
    "\x00",
    "../..",
    "\u202e",
    [],
    {},
    [[]],
    [None],
    "9" * 400,
)


def poisoned_spec(good: str, chance: random.Random, only: Collection[str] = ()) -> bytes:
    """A `windlass.yaml` that was damaged, or that says what it must not.

    Args:
        good: the file as it should be.
        chance: decides what is wrong.
        only: the keys of the file below which everything wrong stands; none for anywhere.
    """
    draw = chance.randrange(20)
    if draw < 3 and not only:
        return _damaged(good, chance)
    value = {key: item for key, item in deepcopy(_plain(good)).items() if key in NEEDED or chance.random() < 0.2}
    chosen = {key: item for key, item in value.items() if not only or key in only}
    for _ in range(chance.randint(1, 3)):
        _spoil(chosen, chance, tuple(map(Yaml, ODD)))
        if chance.random() < 0.3:
            _misname(chosen, chance)
    kept = {key: item for key, item in value.items() if only and key not in only}
    text = "".join(f"{_flow(key)}: {_flow(item)}\n" for key, item in (kept | chosen).items())
    return _scrambled(text.encode(), chance) if draw == 3 else text.encode()


def _damaged(good: str, chance: random.Random) -> bytes:
    """Bytes that no person would write."""
    data = good.encode()
    match chance.choices(range(10), [90, 90, 90, 90, 90, 90, 90, 1, 1, 150])[0]:
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            return data + data
        case 2:
            return data + b"---\n" + data
        case 3:
            return chance.choice([b"[", b"{a: ", b"- ", b"? "]) * chance.choice([30, 3_000, 100_000])
        case 4:
            return bytes(chance.getrandbits(8) for _ in range(chance.randrange(1, 400)))
        case 5:
            return good.encode(chance.choice(["utf-16", "utf-32", "utf-8-sig", "utf-7"]))
        case 6:
            return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\t", b"\xc2\x85"]))
        case 7:
            return data + b"params: [" + b"1," * chance.choice([19_000, 30_000]) + b"]\n"
        case 8:
            return data + b"#" * (1 << 20)
        case _:
            return _scrambled(data, chance)


@lru_cache(maxsize=16)
def _plain(good: str) -> dict[str, Any]:
    document = read_document(good, "good")
    assert not isinstance(document, tuple), document
    return document.value


def _flow(value: object) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Yaml):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value)


def _misname(value: dict[str, Any], chance: random.Random) -> None:
    """Call one key of a mapping otherwise, or give it twice."""
    mappings = [value, *(one for one in _values(value) if isinstance(one, dict) and one)]
    mapping = chance.choice(mappings)
    if not mapping:
        return
    key = chance.choice(list(mapping))
    if chance.random() < 0.5:
        mapping[Yaml(json.dumps(key))] = mapping[key]  # the same key once more
    else:
        mapping[Yaml(chance.choice(KEYS))] = mapping.pop(key)


def _values(value: object) -> list[object]:
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [*items, *(below for item in items for below in _values(item))]


def poisoned_payload(good: str, chance: random.Random) -> str:
    """The payload of a plan that was damaged, or that says what it must not."""
    draw = chance.randrange(4)
    if draw == 0:
        return _scrambled(good.encode(), chance).decode(errors="replace")
    if draw == 1:
        return good[: chance.randrange(len(good))]
    if draw == 2:
        return "[" * chance.choice([100, 100_000])
    value = json.loads(good)
    for _ in range(chance.randint(1, 3)):
        _spoil(value, chance, VALUES)
    return json.dumps(value)


def _scrambled(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.getrandbits(8)
    return bytes(changed)


def _spoil(value: object, chance: random.Random, odd: tuple[object, ...]) -> None:
    """Put something else in one place, take the place away, or double it."""
    places = list(_places(value))
    if not places:
        return
    put, drop, double = places[chance.randrange(len(places))]
    chance.choice([lambda: put(chance.choice(odd)), lambda: put(chance.randint(-20_000, 20_000)), drop, double])()


Place = tuple[Callable[[object], None], Callable[[], None], Callable[[], None]]


def _places(value: object) -> list[Place]:
    found: list[Place] = []
    if isinstance(value, dict):
        for key, item in list(value.items()):
            found.append(_in_mapping(value, key))
            found += _places(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found.append(_in_list(value, index))
            found += _places(item)
    return found


def _in_mapping(value: dict[str, object], key: str) -> Place:
    def double() -> None:
        value[key + "2"] = value.get(key)

    def drop() -> None:
        value.pop(key, None)

    return (lambda new: value.__setitem__(key, new), drop, double)


def _in_list(value: list[object], index: int) -> Place:
    def put(new: object) -> None:
        value[index : index + 1] = [new]

    def drop() -> None:
        del value[index : index + 1]

    def double() -> None:
        value.extend(value[index : index + 1])

    return (put, drop, double)
