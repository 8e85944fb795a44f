"""A ranking of wordings that no pattern caught, learnt from people's labels, for people to read. No input or output.

A logistic regression over the share of each group of two to five characters. It is trained anew from the label file at
each run, a file that anybody can read, and never kept: a kept model is a file that runs code when it is loaded, and
that nobody can look into. Same labels, same scores.

INVARIANT (ranks-only): a score moves a wording up or down a queue. It gives no tier, no finding and no clearance.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.lookback.labels.labels import Settled

TARGET: Final = "explicit"
# With fewer of a kind the interval around a share of one half is wider than 17 points on either side, and with
# five folds each would test fewer than six: whatever was measured would say nothing.
LEAST_OF_A_KIND: Final = 30
FOLDS: Final = 5
HELD_OUT: Final = 4  # one in so many
FEATURES: Final = 200_000
GRAMS: Final = (2, 5)
STRENGTH: Final = 10.0  # C of the regression; chosen beforehand, tuned on nothing
DECIMALS: Final = 6
MAX_TEXT: Final = 2_000  # characters that a score looks at
_SPACE: Final = re.compile(r"\s+")
_DIGIT: Final = re.compile(r"\d")


def normalise_text(text: str) -> str:
    """Return the form of a text: one case, one width, every digit `#`, single spaces. Idempotent."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[:MAX_TEXT]).casefold())
    return _SPACE.sub(" ", _DIGIT.sub("#", folded)).strip()


@dataclass(frozen=True, slots=True)
class Example:
    """What a model learns from: all labelled wordings of one form, which are one.

    Args:
        form: Of `normalise_text`.
        yes: Whether reviewers gave it the tier that is looked for.
        wordings: The digests of those wordings.
        random: How many of them came before a reviewer by a random order.
    """

    form: str
    yes: bool
    wordings: tuple[str, ...]
    random: int = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples, and what was left out and why.

    Args:
        left_out: How many labelled wordings, by why.
    """

    used: tuple[Example, ...]
    left_out: Mapping[str, int]

    @property
    def yes(self) -> int:
        """How many forms have the tier that is looked for."""
        return sum(example.yes for example in self.used)

    @property
    def no(self) -> int:
        """How many have another."""
        return len(self.used) - self.yes

    @property
    def too_few(self) -> str:
        """Why nothing is learnt from them, or the empty text."""
        if min(self.yes, self.no) >= LEAST_OF_A_KIND:
            return ""
        return (
            f"a model needs {LEAST_OF_A_KIND} labelled forms of wording that are {TARGET} and {LEAST_OF_A_KIND} that "
            f"are not, so that its error can be measured; there are {self.yes} and {self.no}"
        )


def make_examples(settled: Iterable[Settled]) -> Examples:
    """Return the examples in what reviewers said.

    Left out: disputes; what reviewers could not tell; what names an agency, because the label says which agency and
    not for what, and neither answer would be true; forms whose wordings were given both answers.
    """
    left_out = {"in dispute": 0, "cannot-tell": 0, "agency-named": 0, "both answers": 0, "nothing written": 0}
    forms: dict[str, list[tuple[bool, Settled]]] = {}
    for one in settled:
        form = normalise_text(one.text.text)
        why = _why_left_out(one, form)
        if why:
            left_out[why] += 1
        else:
            forms.setdefault(form, []).append((one.tier == TARGET, one))
    used = []
    for form, given in sorted(forms.items()):
        if len({yes for yes, _ in given}) > 1:
            left_out["both answers"] += len(given)
            continue
        wordings = tuple(sorted(one.wording for _, one in given))
        used.append(Example(form, given[0][0], wordings, sum("random" in one.via for _, one in given)))
    return Examples(tuple(used), left_out)


def _why_left_out(one: Settled, form: str) -> str:
    if not one.decided:
        return "in dispute"
    if one.tier is None:
        return "cannot-tell"
    if one.tier == "agency-named":
        return "agency-named"
    return "" if form else "nothing written"


class Model:
    """A trained model.

    Args:
        examples: At least one of each kind.

    Raises:
        ConfigError: scikit-learn is not installed.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        extraction, linear, self._limits = _load_scikit()
        self._vectors = extraction.TfidfVectorizer(
            analyzer="char_wb", ngram_range=GRAMS, lowercase=False, sublinear_tf=True, max_features=FEATURES
        )
        self._weights = linear.LogisticRegression(C=STRENGTH, solver="lbfgs", max_iter=1_000, random_state=0)
        with self._alone():
            found = self._vectors.fit_transform([example.form for example in examples])
            self._weights.fit(found, [example.yes for example in examples])

    @property
    def features(self) -> int:
        """How many groups of characters it knows."""
        return len(self._vectors.vocabulary_)

    def score(self, forms: Sequence[str]) -> list[float]:
        """Return the score of each form, from 0 to 1; rounded, so that one machine's last bits do not matter."""
        if not forms:
            return []
        with self._alone():
            found = self._weights.predict_proba(self._vectors.transform(forms))[:, 1]
        return [round(float(score), DECIMALS) for score in found]

    def _alone(self) -> AbstractContextManager[Any]:
        """One thread: sums in another order have other last bits."""
        limited: AbstractContextManager[Any] = self._limits(limits=1)
        return limited


def _load_scikit() -> tuple[Any, Any, Any]:
    try:
        from sklearn import linear_model
        from sklearn.feature_extraction import text
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ConfigError("ranking needs scikit-learn", hint="pip install 'doorward[rank]'") from error
    return text, linear_model, threadpool_limits


def cross_validate(examples: Sequence[Example], *, folds: int = FOLDS) -> list[float]:
    """Return the score of each example by a model that did not see it.

    Examples are forms, so copies of one wording are never on both sides. Which fold an example is in follows from the
    digest of its form.
    """
    fold = _deal(examples, folds, "fold")
    scores = [0.0] * len(examples)
    for number in range(folds):
        model = Model([example for at, example in enumerate(examples) if fold[at] != number])
        tested = [at for at in range(len(examples)) if fold[at] == number]
        for at, score in zip(tested, model.score([examples[at].form for at in tested]), strict=True):
            scores[at] = score
    return scores


def hold_out(examples: Sequence[Example]) -> tuple[list[Example], list[float]]:
    """Return the quarter that is held out and its scores by a model of the other three; nothing was tuned on it."""
    part = _deal(examples, HELD_OUT, "held out")
    tested = [example for at, example in enumerate(examples) if part[at] == 0]
    model = Model([example for at, example in enumerate(examples) if part[at] != 0])
    return tested, model.score([example.form for example in tested])


def _deal(examples: Sequence[Example], parts: int, salt: str) -> list[int]:
    """Return a part for each example, each part with its share of both kinds."""
    dealt = [0] * len(examples)
    for kind in (True, False):
        of_kind = [at for at, example in enumerate(examples) if example.yes is kind]
        of_kind.sort(
            key=lambda at: sha256(f"{salt}\0{examples[at].form}".encode("utf-8", "replace")).digest()
        )
        for number, at in enumerate(of_kind):
            dealt[at] = number % parts
    return dealt
