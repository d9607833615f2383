"""What a mutant is, and how it is applied."""

from dataclasses import dataclass

from tools.mutants.copies import ROOT, NotTrue

STORIES = ("tests/sessions/", "tests/sim/")  # whole Windlasses on the virtual clock


@dataclass(frozen=True, slots=True)
class Mutant:
    """A small wrong change that a plausible bug would look like.

    Args:
        name: what goes wrong, in a few words.
        path: the file below `src/windlass`.
        old: the text that is replaced; it stands in the file exactly once.
        new: the text in its place.
        harm: what it would have done to a user.
        tests: files of tests, or single tests, that show the harm where no random day can; they are asked first.
        no_story: why neither days nor stories can show it, where another test has to.
        seen_by_days: False where random days have no part that could show it, so that they are not asked.
        seed: a day that showed it once, and is lived first; the others follow where it does not any more.
    """

    name: str
    path: str
    old: str
    new: str
    harm: str
    tests: tuple[str, ...] = ()
    no_story: str = ""
    seen_by_days: bool = True
    seed: int = 1


def path_of(mutant: Mutant) -> str:
    """The file from the root of the repository."""
    return f"src/windlass/{mutant.path}"


def mutated(mutant: Mutant) -> str:
    """The mutated text of the file.

    Raises:
        NotTrue: the text to replace is not there exactly once, or nothing would change.
    """
    path = ROOT / path_of(mutant)
    text = path.read_text() if path.exists() else ""
    count = text.count(mutant.old)
    if count != 1:
        raise NotTrue(f"mutant {mutant.name}: its text stands {count} times in {path_of(mutant)}, not once")
    if mutant.old == mutant.new:
        raise NotTrue(f"mutant {mutant.name} changes nothing")
    return text.replace(mutant.old, mutant.new)
