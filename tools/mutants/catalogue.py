"""All permanent mutants. A name never goes away: a mutant whose code was rewritten is rewritten too."""

from tools.mutants import at_control, at_rollouts, at_sites
from tools.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*at_control.MUTANTS, *at_rollouts.MUTANTS, *at_sites.MUTANTS)
