"""A commit's tree: which services it wants, and what is told about a commit that cannot be used."""

import pytest

from tests.delivery.sources.trees import FakeEntry, commit, fine, only, reading, told
from windlass.delivery.sources import validate
from windlass.delivery.sources.locations import Location
from windlass.delivery.sources.tree import paths_to_read, untracked_data, wanted_from_tree
from windlass.delivery.sources.types import CommitTree
from windlass.kernel.limits import COMPLAINTS_MAX, SERVICES_PER_REPOSITORY_MAX, TREE_FILES_MAX

ROOT = {"windlass.yaml": "service: a\ntrain: python train.py\n", "train.py": "print()"}
TWO = {
    "windlass.yaml": "services: [api, models/fraud]\n",
    "api/windlass.yaml": "service: api\ntrain: t\n",
    "models/fraud/windlass.yaml": "service: fraud\nartifact: model.onnx\n",
    "models/fraud/model.onnx": "onnx",
}


def test_a_file_at_the_root_is_one_service() -> None:
    """The root's own file is found, with the folder "" and its path."""
    found = only(reading(ROOT))
    assert ("a", "", "windlass.yaml", "python train.py") == (found.name, found.folder, found.path, found.spec.train)


def test_listed_folders_are_services_of_their_own() -> None:
    """The root may list folders only, and each holds one service; they come sorted by name."""
    found = reading(TWO)
    assert [] == told(found)
    assert [("api", "api"), ("fraud", "models/fraud")] == [(one.name, one.folder) for one in found.services]
    assert found.complete


def test_the_root_may_be_a_service_and_list_others() -> None:
    """A file with both a service and a list gives all of them."""
    files = {
        **ROOT,
        "windlass.yaml": ROOT["windlass.yaml"] + "services: [api]\n",
        "api/windlass.yaml": "service: b\ntrain: t",
    }
    assert ["a", "b"] == [one.name for one in reading(files).services]


def test_files_that_are_not_listed_are_not_services() -> None:
    """A windlass.yaml in a folder that nobody lists is an ordinary file and is never read."""
    files = {**ROOT, "other/windlass.yaml": "broken: ["}
    assert "a" == only(reading(files)).name
    assert ["windlass.yaml"] == sorted(commit(files).files)


def test_reading_asks_for_the_root_first() -> None:
    """The root is read before the folders that it lists, and nothing is asked for twice."""
    entries = commit(TWO).entries
    assert ("windlass.yaml",) == paths_to_read(entries, {})
    root = {"windlass.yaml": TWO["windlass.yaml"].encode()}
    assert ("api/windlass.yaml", "models/fraud/windlass.yaml") == paths_to_read(entries, root)
    assert ("models/fraud/windlass.yaml",) == paths_to_read(entries, {**root, "api/windlass.yaml": b""})


def test_a_bad_file_holds_only_its_own_service() -> None:
    """The other services of the commit are wanted as ever, and the bad file is tied to its name."""
    found = reading({**TWO, "api/windlass.yaml": "service: api\ntrian: t\n"})
    assert ["fraud"] == [one.name for one in found.services]
    assert [("api/windlass.yaml", "api", "api")] == [(one.path, one.folder, one.name) for one in found.refused]
    assert 'api/windlass.yaml:2:1: trian: is not a key; did you mean "train"?' in told(found)
    assert found.complete


def test_a_root_that_cannot_be_read_leaves_the_reading_incomplete() -> None:
    """Nobody can say which services are gone, so the reading says that it is not complete."""
    found = reading({**TWO, "windlass.yaml": "services: [api"})
    assert not found.complete
    assert () == found.services
    assert ["windlass.yaml:2:1: is not YAML: did not find expected ',' or ']'"] == told(found)


def test_a_commit_without_the_file_is_a_complaint_and_complete() -> None:
    """A deleted windlass.yaml is told, and its services are gone from the branch."""
    found = reading({"README.md": "hello"})
    assert ["windlass.yaml: is missing at the root of this commit; add one"] == told(found)
    assert found.complete


@pytest.mark.parametrize(("kind", "word"), [("link", "link"), ("submodule", "submodule")])
def test_a_file_that_is_no_file_is_never_followed(kind: str, word: str) -> None:
    """A link or submodule in place of the file is named, at the root and in a folder."""
    found = reading({}, FakeEntry("windlass.yaml", kind=kind))
    assert [f"windlass.yaml: is a {word}; keep it as a file"] == told(found)
    assert not found.complete
    below = reading({"windlass.yaml": "services: [api]"}, FakeEntry("api/windlass.yaml", kind=kind))
    assert ["api/windlass.yaml: is no file; keep it as a file"] == told(below)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("[api, api]", "windlass.yaml:1:17: services[1]: is listed twice; take one out"),
        ("[web]", 'windlass.yaml:1:12: services[0]: "web" holds no windlass.yaml; add one or take it out'),
        (
            "[tests/api]",
            'windlass.yaml:1:12: services[0]: "tests/api" lies below tests, where no service is looked for; move it',
        ),
        (
            "[../api]",
            'windlass.yaml:1:12: services[0]: "../api" is not below this file; list folders such as models/fraud',
        ),
        ("[.]", 'windlass.yaml:1:12: services[0]: "." is not below this file; list folders such as models/fraud'),
        ("[/api]", 'windlass.yaml:1:12: services[0]: "/api" is absolute; write it relative to this file'),
        (
            "api",
            'windlass.yaml:1:11: services: must be a list of folders, not "api"; write it in [ ], or one item a line',
        ),
        ("", "windlass.yaml:1:1: services: is blank; give it a value or take it out"),
    ],
)
def test_a_wrong_list_of_services_is_told_and_deletes_nobody(written: str, complaint: str) -> None:
    """Each mistake in the list has its place, and the reading is not complete."""
    found = reading({**TWO, "windlass.yaml": f"services: {written}"})
    assert [complaint] == told(found)
    assert not found.complete


def test_a_mistake_beside_the_list_leaves_the_services_alone() -> None:
    """An odd key in a root that only lists is told, and the listed services are wanted all the same."""
    found = reading({**TWO, "windlass.yaml": TWO["windlass.yaml"] + "windlass: 7\n"})
    assert ["windlass.yaml:2:11: windlass: this Windlass reads format 1; write 1, or install one that reads 7"] == told(
        found
    )
    assert ["api", "fraud"] == [one.name for one in found.services]
    assert found.complete


def test_only_the_root_lists_services() -> None:
    """A list in a service's own folder is refused at its place."""
    found = reading({**TWO, "api/windlass.yaml": "service: api\ntrain: t\nservices: [x]\n"})
    expected = "api/windlass.yaml:3:1: services: stands in the windlass.yaml at the root only; list the folder there"
    assert [expected] == told(found)


def test_two_files_of_one_name_are_both_refused() -> None:
    """Each complaint names the other file, so that no order decides who wins."""
    found = reading({**TWO, "models/fraud/windlass.yaml": "service: api\nartifact: model.onnx\n"})
    assert () == found.services
    end = "; give one of them another name"
    assert [
        f'api/windlass.yaml:1:10: service: "api" is also the service of models/fraud/windlass.yaml{end}',
        f'models/fraud/windlass.yaml:1:10: service: "api" is also the service of api/windlass.yaml{end}',
    ] == told(found)


def test_a_name_in_a_broken_file_is_taken_too() -> None:
    """A good file does not get the name of a service whose own file is broken."""
    found = reading({**TWO, "models/fraud/windlass.yaml": "service: api\n"})
    assert () == found.services
    assert 2 == len(found.refused)


def test_a_pointer_in_place_of_the_file_is_named() -> None:
    """A windlass.yaml in Git LFS cannot be read, and says so."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    assert ["windlass.yaml:1:1: is a Git LFS pointer; keep this file in Git itself"] == told(
        reading({"windlass.yaml": pointer})
    )


@pytest.mark.parametrize(
    "path", ["a/../b", "../b", "a\nb", ".git/config", "a/.GIT/hooks/x", "/a", "a//b", "a/./b", "a\x1b[0m"]
)
def test_paths_that_no_checkout_is_safe_from_hold_everything(path: str) -> None:
    """A commit with such a path is told by name, escaped, and nothing of it is wanted or read."""
    found = reading(ROOT, FakeEntry(path))
    shown = path.encode("unicode_escape").decode()
    assert [f'"{shown}": is a path that cannot be checked out safely; rename it'] == told(found)
    assert ((), False) == (found.services, found.complete)
    assert {} == commit(ROOT, FakeEntry(path)).files


def test_a_commit_with_too_many_files_is_not_walked() -> None:
    """The number of files is the first thing that is looked at."""
    entries = tuple(FakeEntry("a") for _ in range(TREE_FILES_MAX + 1))
    found = wanted_from_tree(CommitTree(entries, {}), fine)
    assert [
        f"the commit has {TREE_FILES_MAX + 1} files, and {TREE_FILES_MAX} is the limit; keep data out of Git"
    ] == told(found)
    assert not found.complete


def test_a_list_of_too_many_services_is_refused() -> None:
    """One more than the limit holds the whole list."""
    names = [f"s{number}" for number in range(SERVICES_PER_REPOSITORY_MAX + 1)]
    files = {f"{name}/windlass.yaml": f"service: {name}\ntrain: t" for name in names}
    found = reading({**files, "windlass.yaml": f"services: [{', '.join(names)}]"})
    assert ["windlass.yaml:1:11: services: lists more than 200; split the repository"] == told(found)
    assert ((), False) == (found.services, found.complete)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (
            FakeEntry("lib", kind="submodule"),
            '"lib": is a submodule, which is not checked out; commit its files instead',
        ),
        (
            FakeEntry("l", kind="link", target="/etc"),
            '"l": is a link to "/etc", outside the repository; commit the file itself',
        ),
        (
            FakeEntry("d/l", kind="link", target="../../x"),
            '"d/l": is a link to "../../x", outside the repository; commit the file itself',
        ),
        (
            FakeEntry("l", kind="link", target="d/../../x"),
            '"l": is a link to "d/../../x", outside the repository; commit the file itself',
        ),
        (
            FakeEntry("l", kind="link", target="d/../x"),
            '"l": is a link to "d/../x", outside the repository; commit the file itself',
        ),
        (FakeEntry("TRAIN.py"), '"train.py": is the same name as "TRAIN.py" on some machines; rename one of them'),
        (FakeEntry("Data/x"), '"data": is the same name as "Data" on some machines; rename one of them'),
    ],
)
def test_entries_that_do_not_travel_are_refused_by_name(entry: FakeEntry, complaint: str) -> None:
    """Submodules, links that leave the repository, and names that collide hold the service of their folder."""
    found = reading({**ROOT, "data/y": ""}, entry)
    assert [complaint] == told(found)
    assert "a" == found.refused[0].name


def test_accents_spelled_in_two_ways_collide() -> None:
    """Composed and decomposed letters are one name on some disks."""
    found = reading({**ROOT, "\u00e9.py": "", "e\u0301.py": ""})
    assert ['"\u00e9.py": is the same name as "e\u0301.py" on some machines; rename one of them'] == told(found)


def test_links_inside_the_repository_are_fine() -> None:
    """A link to a neighbour, up front or down, is an entry like any other."""
    links = (FakeEntry("d/l", kind="link", target="../train.py"), FakeEntry("m", kind="link", target="d/l"))
    assert "a" == only(reading(ROOT, *links)).name


def test_what_lies_outside_a_folder_does_not_hold_its_service() -> None:
    """A submodule beside the folder of a service is nobody's business; included, it is."""
    odd = FakeEntry("lib", kind="submodule")
    assert [] == told(reading(TWO, odd))
    files = {**TWO, "api/windlass.yaml": "service: api\ntrain: t\ninclude: [../lib]\n"}
    assert ['"lib": is a submodule, which is not checked out; commit its files instead'] == told(reading(files, odd))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("include: [lib]", '4:11: include[0]: "lib" is not in this commit; commit it or take it out'),
        ("include: [../..]", '4:11: include[0]: "../.." is not in this commit; commit it or take it out'),
        (
            "data: {train: a.csv}",
            '4:15: data.train: "a.csv" does not exist in this commit or in the watched folder; put it there or correct '
            "the path",
        ),
        ("data: {train: /a.csv}", '4:15: data.train: "/a.csv" does not exist; put it there or correct the path'),
        ("data: {train: ../../a.csv}", '4:15: data.train: "../../a.csv" leaves the repository; write an absolute path'),
        (
            "data: {holdout: a.csv}",
            '4:17: data.holdout: "a.csv" does not exist in this commit or in the watched folder; put it there or '
            "correct the path",
        ),
        ("data: {holdout: /a.csv}", '4:17: data.holdout: "/a.csv" does not exist; put it there or correct the path'),
        (
            "data: {holdout: ../../a.csv}",
            '4:17: data.holdout: "../../a.csv" leaves the repository; write an absolute path',
        ),
    ],
)
def test_what_is_named_must_exist(line: str, complaint: str) -> None:
    """Included paths and data that are nowhere are told at their place."""
    files = {"windlass.yaml": "services: [m]", "m/windlass.yaml": f"service: a\ntrain: t\n\n{line}\n"}
    assert [f"m/windlass.yaml:{complaint}"] == told(reading(files))


def test_an_artifact_must_exist() -> None:
    """A model that is neither committed nor in the watched folder is told."""
    found = reading({"windlass.yaml": "service: a\nartifact: m.onnx\n"})
    what = '"m.onnx" does not exist in this commit or in the watched folder; put it there or correct the path'
    assert [f"windlass.yaml:2:11: artifact: {what}"] == told(found)


def test_data_outside_the_commit_are_named_for_pinning() -> None:
    """What a file names and the commit lacks is listed once, sorted, from the root of the watched folder, the holdout
    with it; what leaves the repository is not."""
    spec = (
        "service: a\ntrain: t\ndata: {train: ../d/t.csv, more: /srv/m, in: ./in.csv, off: ../../x, holdout: ../h.csv}\n"
    )
    files = {"windlass.yaml": "services: [m, n]", "m/windlass.yaml": spec, "m/in.csv": "", "n/windlass.yaml": "broken"}
    tree = commit(files)
    known = (("/srv/m", "/srv/m"), ("../d/t.csv", "d/t.csv"), ("../h.csv", "h.csv"))
    expected = tuple(Location("m", location, key) for location, key in known)
    assert expected == untracked_data(tree.entries, tree.files, fine)
    found = reading(files, digests={"d/t.csv": "1"})
    assert not [sentence for sentence in told(found) if "t.csv" in sentence]


def test_a_gate_line_is_checked_by_the_gates() -> None:
    """What the given check says about a line is a complaint at the line's place."""
    files = {**ROOT, "windlass.yaml": ROOT["windlass.yaml"] + "data: {holdout: h/x, label: y}\ngate: [auc]\n"}
    assert ["windlass.yaml:4:8: gate[0]: no such line: auc"] == told(
        reading(files, check=lambda line: f"no such line: {line}")
    )


def test_a_thousand_mistakes_are_told_as_the_first_of_them() -> None:
    """However much is wrong with a file or a commit, a bounded number of complaints is kept, and how many more there
    are."""
    odd = "".join(f"key{number}: 1\n" for number in range(1000))
    sentences = told(reading({"windlass.yaml": f"service: a\ntrain: t\n{odd}"}))
    assert COMPLAINTS_MAX + 1 == len(sentences)
    assert (
        "windlass.yaml:53:1: key50: 950 more things are wrong from here on; correct those above first" == sentences[-1]
    )
    unsafe = told(reading({f"a\n{number}": "" for number in range(60)}))
    assert COMPLAINTS_MAX + 1 == len(unsafe)
    listed = ", ".join(f"s{number}" for number in range(90))
    assert COMPLAINTS_MAX + 1 == len(told(reading({"windlass.yaml": f"services: [{listed}]"})))


def test_thousands_of_unknown_keys_take_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was meant is looked for as often as it is told, not for every key of a generated file."""
    looked: list[str] = []

    def near(name: str, *_: object, **__: object) -> list[str]:
        looked.append(name)
        return []

    monkeypatch.setattr(validate, "get_close_matches", near)
    odd = "".join(f"key{number}: 1\n" for number in range(1000))
    assert told(reading({"windlass.yaml": f"service: a\ntrain: t\n{odd}"}))
    assert 0 < len(looked) <= 3 * (COMPLAINTS_MAX + 1)  # a commit's root file is looked at three times
