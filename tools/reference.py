"""Makes the reference pages that repeat what the code already says.

python -m tools.reference
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from windlass.delivery.sources.registry import ANY_NAME, KEYS, Key

ROOT = Path(__file__).parents[1]

_FILE_HEAD = """\
# The file: windlass.yaml

```yaml
service: doctor-visits
train: python train.py
data: {train: data/train.csv, holdout: data/holdout.csv, label: any_visit}
gate:
  - roc_auc >= 0.70
  - roc_auc not worse than champion by 0.01
```

**What happens then.** Every commit of the watched branch is read. Where the service changed, `train` runs in a clean
copy of the commit, the model it writes becomes a release, the lines under `gate` judge it on the holdout, and traffic
moves to it step by step. A file that cannot be used holds only its own service: what runs keeps running, and
`windlass status` shows every complaint with line and column.

The file lies at the root of the repository, or in each of the folders that the root's file lists under `services`.
Paths are relative to the file. Names, columns and commands are text; quantities have one spelling each:

| Kind | Written | Refused |
|---|---|---|
| share | `5%`, `0.05` | `5` |
| duration | `10ms`, `30s`, `5m`, `2h`, `1d`, `1w`, `1h30m` | a bare number |
| size | `512Mi`, `2Gi` (powers of 1024), `2G` (powers of 1000) | `2GB`, `2g`, a bare number |

Only `true` and `false` are booleans. There are no anchors, aliases, tags or second documents, no key stands twice, and
a key without a value is a mistake, never a default.
"""

_FILE_TAIL = """\
## What needs a build

A change of these builds again: every file of the service's folder and of what `include` names, except documents
(`*.md`, `*.rst`, `LICENSE`), `windlass.yaml` and the holdout; the keys `service`, `train`, `artifact`, `model`,
`allow`, `python`, `env`, `include`, `params`, and of `data` all but `holdout`, `positive` and `score`; and the content
of the data when a commit is read. All else is policy: it is in force at once, and a remark or another spelling changes
nothing.

## What can go wrong

| You see | Do this |
|---|---|
| `is not a key; did you mean "train"?` | correct the spelling; nothing unknown is ever ignored |
| `is known, but not built yet: ...` | take the key out; the sentence says what works instead |
| `can be read in two ways; write 5% or 0.05` | write the unit |
| `holds the holdout, which training must not see` | keep the holdout in a file that no other data set holds |
| `does not exist in this commit or in the watched folder` | commit the file, put it there, or correct the path |
| `is also the service of ...` | give one of the two files another name |
| `is a submodule`, `is a link to ..., outside the repository` | commit the files themselves |
| `is missing at the root of this commit` | put the file back; until then its services serve on as absent |
"""

_MORE = {
    "model": "What a class has, gets and returns: [Write a Python class](../how-to/write-a-python-class.md).",
}


def file_page() -> str:
    """The page on `windlass.yaml`, one heading a key."""
    return "\n".join([_FILE_HEAD, *_sections(), _FILE_TAIL])


def _sections() -> Iterator[str]:
    yield "## Keys\n"
    for key in KEYS:
        if not key.not_yet:
            yield _section(key)
    yield "## Keys that are not built yet\n\nThey are refused, so that no file promises what does not happen.\n"
    yield "| Key | What is missing |\n|---|---|"
    for key in KEYS:
        if key.not_yet:
            yield f"| `{key.name}` | {key.not_yet} |"
    yield ""


def _section(key: Key) -> str:
    lines = [f"### {_shown(key.name)}", "", key.meaning, "", "```yaml", _example(key), "```", ""]
    if key.kind is not None:
        lines += [f"Value: {key.kind.words}.", ""]
    if key.default:
        lines += [f"Default: `{key.default}`. {key.reason}", ""]
    elif key.reason:
        lines += [key.reason, ""]
    if key.name in _MORE:
        lines += [_MORE[key.name], ""]
    return "\n".join(lines)


def _shown(name: str) -> str:
    return name.replace(ANY_NAME, "(any name)")


def _example(key: Key) -> str:
    group, _, _ = key.name.rpartition(".")
    return f"{group}: {{{key.example}}}" if group else key.example


PAGES: dict[str, Callable[[], str]] = {"docs/reference/file.md": file_page}


def main() -> None:
    """Write every page."""
    for where, page in PAGES.items():
        path = ROOT / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
