"""Every metric is scikit-learn's, to the last digits that matter."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.delivery.gates.scenes import CANDIDATE, chances, holdout, scored
from windlass.delivery.gates.metrics import METRICS
from windlass.delivery.gates.rows import Answers, Unfit, in_order
from windlass.delivery.gates.samples import sample_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sklearn import metrics as oracle

LABELS, (CHANCES, OTHERS) = scored(400, 7, (0.3, 0.9))
PREDICTED = [int(chance > 0.5) for chance in CHANCES]
AMOUNTS = np.random.default_rng(3).normal(5, 2, 400).tolist()
GUESSES = (np.array(AMOUNTS) + np.random.default_rng(4).normal(0, 1, 400)).tolist()
THREE = np.random.default_rng(5).integers(0, 3, 400).tolist()
THREE_SAID = [value if row % 4 else (value + 1) % 3 for row, value in enumerate(THREE)]
THREE_CHANCES = np.random.default_rng(6).dirichlet((1, 1, 1), 400)

ORACLES: dict[str, Callable[[], float]] = {
    "accuracy": lambda: oracle.accuracy_score(LABELS, PREDICTED),
    "balanced_accuracy": lambda: oracle.balanced_accuracy_score(LABELS, PREDICTED),
    "roc_auc": lambda: oracle.roc_auc_score(LABELS, CHANCES),
    "average_precision": lambda: oracle.average_precision_score(LABELS, CHANCES),
    "f1": lambda: oracle.f1_score(LABELS, PREDICTED),
    "precision": lambda: oracle.precision_score(LABELS, PREDICTED),
    "recall": lambda: oracle.recall_score(LABELS, PREDICTED),
    "log_loss": lambda: oracle.log_loss(LABELS, CHANCES),
    "brier": lambda: oracle.brier_score_loss(LABELS, CHANCES),
    "mae": lambda: oracle.mean_absolute_error(AMOUNTS, GUESSES),
    "rmse": lambda: oracle.root_mean_squared_error(AMOUNTS, GUESSES),
    "mape": lambda: oracle.mean_absolute_percentage_error(AMOUNTS, GUESSES),
    "r2": lambda: oracle.r2_score(AMOUNTS, GUESSES),
}


def value(metric: str, labels: list[Any], answers: Answers, **more: Any) -> float:
    """The metric as the gate computes it, before any bound."""
    return sample_of(METRICS[metric], in_order(holdout(labels, **more)), answers).way.value


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_metric_is_the_one_of_scikit_learn(metric: str) -> None:
    """Equal to scikit-learn's function on 400 rows, and its scorer's name exists there."""
    numeric = METRICS[metric].numeric
    labels, answers = (AMOUNTS, Answers(CANDIDATE, GUESSES)) if numeric else (LABELS, chances(CANDIDATE, CHANCES))
    assert ORACLES[metric]() == pytest.approx(value(metric, labels, answers), rel=1e-9)
    assert METRICS[metric].scorer in oracle.get_scorer_names()


def test_classes_may_be_more_than_two_where_the_metric_allows() -> None:
    """Accuracy, balanced accuracy and log loss of three classes are scikit-learn's."""
    answers = Answers(CANDIDATE, THREE_SAID, THREE_CHANCES.tolist(), (0, 1, 2))
    assert oracle.accuracy_score(THREE, THREE_SAID) == pytest.approx(value("accuracy", THREE, answers))
    assert oracle.balanced_accuracy_score(THREE, THREE_SAID) == pytest.approx(
        value("balanced_accuracy", THREE, answers)
    )
    assert oracle.log_loss(THREE, THREE_CHANCES) == pytest.approx(value("log_loss", THREE, answers))


def test_scores_tie_and_saturate_as_in_scikit_learn() -> None:
    """Equal scores and a sure mistake give scikit-learn's numbers, not infinities."""
    labels, coarse = LABELS, [round(chance, 1) for chance in CHANCES]
    answers = chances(CANDIDATE, coarse)
    assert oracle.average_precision_score(labels, coarse) == pytest.approx(value("average_precision", labels, answers))
    assert oracle.roc_auc_score(labels, coarse) == pytest.approx(value("roc_auc", labels, answers))
    sure = [1.0 - label if row == 0 else float(label) for row, label in enumerate(labels)]
    assert oracle.log_loss(labels, sure) == pytest.approx(value("log_loss", labels, chances(CANDIDATE, sure)))


@pytest.mark.parametrize("positive", [None, "no", "yes"])
def test_the_positive_class_is_the_declared_one_else_the_last(positive: str | None) -> None:
    """Recall speaks of the declared class; without one, of the last in order, as in scikit-learn."""
    words = ["yes" if label else "no" for label in LABELS]
    said = ["yes" if label else "no" for label in PREDICTED]
    expected = oracle.recall_score(words, said, pos_label=positive or "yes")
    assert expected == pytest.approx(value("recall", words, Answers(CANDIDATE, said), positive=positive))


def test_a_score_of_its_own_ranks_rows() -> None:
    """A model that answers a score instead of probabilities is ranked by it."""
    margins = [3 * chance - 10 for chance in CHANCES]
    answers = Answers(CANDIDATE, PREDICTED, score=margins)
    assert oracle.roc_auc_score(LABELS, margins) == pytest.approx(value("roc_auc", LABELS, answers))


ONE, TWO, THREE_ROWS = [1, 1, 1], [0, 1, 1], [0, 1, 2]
BARE = Answers(CANDIDATE, [1, 1, 0])
UNFIT: list[tuple[str, list[Any], Answers, str]] = [
    ("roc_auc", ONE, chances(CANDIDATE, [0.1, 0.2, 0.3]), "every row has the label 1; roc_auc needs both classes"),
    ("balanced_accuracy", ONE, BARE, "every row has the label 1; balanced_accuracy needs two classes"),
    ("f1", THREE_ROWS, BARE, "f1 needs two classes, the labels have 3; use balanced_accuracy or log_loss"),
    ("roc_auc", TWO, BARE, "roc_auc needs a score or a probability, and the model answers a class only"),
    ("log_loss", TWO, BARE, "log_loss needs probabilities, and the model answers a class only; use accuracy"),
    ("log_loss", THREE_ROWS, chances(CANDIDATE, [0.1, 0.2, 0.3]), "the model has no probability for the class 2"),
    ("roc_auc", TWO, chances(CANDIDATE, [0.1, 0.2, 0.3], (0, 5)), "the model has no probability for the class 1"),
    ("brier", TWO, Answers(CANDIDATE, [1, 1, 0], score=[0.1, 7.0, 0.2]), "brier needs probabilities from 0 to 1"),
    ("accuracy", ["1", "0", "1"], BARE, "labels and predictions are of different kinds: '1' and 1"),
    ("precision", TWO, Answers(CANDIDATE, [0, 0, 0]), "no row is predicted positive, so precision is not defined"),
    ("mae", ["a", "b", "c"], BARE, "labels must be numbers; row 1 holds 'a'"),
    ("mae", TWO, Answers(CANDIDATE, [1.0, float("nan"), 2.0]), "predictions must be numbers; row 2 holds nan"),
    ("mae", TWO, Answers(CANDIDATE, [1.0, [2.0], 3.0]), "predictions must be numbers; row 2 holds [2.0]"),
    ("mae", TWO, Answers(CANDIDATE, [1.0, None, 3.0]), "predictions must be numbers; row 2 holds None"),
    ("f1", ["a", 3, b"x"], BARE, "f1 needs two classes, the labels have 3"),
    ("r2", ONE, BARE, "every label is the same number, so r2 has nothing to explain"),
]


@pytest.mark.parametrize(
    ("metric", "labels", "answers", "words"), UNFIT, ids=[f"{m}-{n}" for n, (m, *_) in enumerate(UNFIT)]
)
def test_what_rows_cannot_carry_is_said(metric: str, labels: list[Any], answers: Answers, words: str) -> None:
    """Labels or answers that cannot carry a metric are refused with the reason and what to use instead."""
    rows = in_order(holdout(labels))
    unshuffled = replace(rows, labels=labels, order=np.arange(len(labels)))
    with pytest.raises(Unfit) as error:
        sample_of(METRICS[metric], unshuffled, answers)
    assert str(error.value).startswith(words)


def test_a_declared_positive_class_must_be_among_the_labels() -> None:
    """A misspelt positive class is found, with the labels there are."""
    with pytest.raises(Unfit, match="no row has the positive label 'si'; the labels are 'no' and 'yes'"):
        value("recall", ["yes", "no"], Answers(CANDIDATE, ["yes", "no"]), positive="si")
