"""Settings: every option's range, choices and kind is checked, with an error in the words of the command line."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from w2v.corpus.config import CorpusConfig, SessionConfig
from w2v.errors import SettingsError
from w2v.machine import available_cpus
from w2v.settings import number_text, options_of
from w2v.training.config import TrainConfig

CONFIGS = (CorpusConfig, TrainConfig)
FIELDS = [(config, f, opt) for config in CONFIGS for f, opt in options_of(config).values()]

# setting -> (default, least, most, whether the ends are no values themselves)
RANGES = {
    "dim": (100, 1, 65536, False),
    "window": (5, 1, 1000, False),
    "fixed_window": (False, None, None, False),
    "negative": (5, 1, 1000, False),
    "buckets": (2000000, 1, 1000000000, False),
    "ns_exponent": (0.75, -10, 10, False),
    "sample": (0.001, 0, 1, False),
    "node_sample": (0.002, 0, 1, False),
    "lr": (None, 0, 10, True),
    "min_lr": (None, 0, 10, False),
    "epochs": (5, 1, 1000000, False),
    "threads": (None, 1, 1024, False),
    "seed": (1, 0, 9223372036854775807, False),
    "share_negatives": (True, None, None, False),
    "negative_pool": (128, 0, 65536, False),
    "hot_rows": (4096, 0, 1048576, False),
    "exact": (False, None, None, False),
    "reproducible": (False, None, None, False),
    "held_out": (0.0, 0, 1, False),
    "stop_early": (0, 0, 1000000, False),
    "lower": (False, None, None, False),
    "min_count": (5, 1, None, False),
    "max_vocab": (None, 2, None, False),
    "phrases": (0, 0, 10, False),
    "phrase_threshold": (None, -1, 1000000000.0, False),
    "phrase_min_count": (5, 1, None, False),
    "min_length": (2, 1, None, False),
    "keep_repeats": (False, None, None, False),
    "grouped": (False, None, None, False),
    "lenient": (False, None, None, False),
}


def of_kind(test) -> list:
    """The fields that a test holds for, as parameters with readable names."""
    return [pytest.param(config, f, opt, id=f.name) for config, f, opt in FIELDS if test(f, opt)]


def is_number(f: dataclasses.Field, opt) -> bool:
    return opt.minimum is not None or opt.maximum is not None


def is_whole(f: dataclasses.Field, opt) -> bool:
    return is_number(f, opt) and "int" in f.type


def is_switch(f: dataclasses.Field, opt) -> bool:
    return f.type == "bool"


def is_text(f: dataclasses.Field, opt) -> bool:
    """A file, or a word that stands for one: looked at when it is opened. Or a range."""
    return (f.type == "str | None" and not opt.choices) or opt.metavar == "MIN-MAX"


def refused(config: type, name: str, value: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        config(**{name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_every_option_is_a_choice_a_switch_a_file_or_a_number_with_a_range() -> None:
    for _, f, opt in FIELDS:
        assert bool(opt.choices) + is_switch(f, opt) + is_number(f, opt) + is_text(f, opt) == 1, f.name
        assert opt.help.endswith("."), f.name
        if is_number(f, opt):
            assert opt.minimum is not None, f.name


@pytest.mark.parametrize(("value", "meant"), [
    ("off", "off"), (None, "off"), ("3-6", "3-6"), ((3, 6), "3-6"), ([2, 5], "2-5"), ("4", "4-4"), (4, "4-4"),
    ("1-64", "1-64"), ("03-6", "3-6"),
])  # fmt: skip
def test_subwords_have_one_form(value, meant):
    config = TrainConfig(subwords=value)
    assert config.subwords == meant
    assert config.ngram_range == (None if meant == "off" else tuple(map(int, meant.split("-"))))


@pytest.mark.parametrize("value", ["", "6-3", "0-3", "3-65", "3-", "a-b", "3-4-5", (1, 2, 3), (), "-3", True, 0, 2.5])
def test_subwords_that_are_no_range_are_refused(value):
    refused(TrainConfig, "subwords", value, "is no range of characters from 1 to 64")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(lambda f, opt: opt.choices))
def test_value_that_is_not_a_choice_is_refused(config: type, f: dataclasses.Field, opt) -> None:
    for value in opt.choices:
        assert getattr(config(**{f.name: value}), f.name) == value
    for value in ("", "nothing", opt.choices[0].upper(), 1, True, opt.choices):
        refused(config, f.name, value, "is not one of " + ", ".join(opt.choices))
    refused(config, f.name, None, "a value is needed")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_switch))
def test_switch_that_is_not_true_or_false_is_refused(config: type, f: dataclasses.Field, opt) -> None:
    for value in (True, False):
        assert getattr(config(**{f.name: value}), f.name) is value
    for value in ("no", "", 0, 1, 1.0):
        refused(config, f.name, value, "is neither True nor False")
    refused(config, f.name, None, "a value is needed")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_number))
def test_number_out_of_range_is_refused(config: type, f: dataclasses.Field, opt) -> None:
    step = 1 if "int" in f.type else 1e-9
    if opt.exclusive:
        refused(config, f.name, opt.minimum, f"must be more than {opt.minimum:g} ")
        assert getattr(config(**{f.name: opt.minimum + step}), f.name) == opt.minimum + step
    else:
        assert getattr(config(**{f.name: opt.minimum}), f.name) == opt.minimum
        refused(config, f.name, opt.minimum - step, rf"must be (at least|between) {opt.minimum:g} ")
    if opt.maximum is not None:
        assert getattr(config(**{f.name: opt.maximum}), f.name) == opt.maximum
        most = rf"must be (between|more than) {opt.minimum:g} and (at most )?{number_text(opt.maximum)} \(got"
        refused(config, f.name, opt.maximum + max(step, abs(opt.maximum) * 1e-9), most)


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_number))
def test_nan_and_infinity_are_refused(config: type, f: dataclasses.Field, opt) -> None:
    for value in (math.nan, math.inf, -math.inf, np.float32(np.nan)):
        refused(config, f.name, value, "is not a whole number|must be ")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_number))
def test_what_is_not_a_number_is_refused(config: type, f: dataclasses.Field, opt) -> None:
    for value in (True, False, "5", b"5", [5], 5 + 0j):
        refused(config, f.name, value, "is not a number")
    if f.default is not None:
        refused(config, f.name, None, "a value is needed")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_whole))
def test_fraction_is_refused_where_a_whole_number_is_needed(config: type, f: dataclasses.Field, opt) -> None:
    refused(config, f.name, opt.minimum + 0.5, "is not a whole number")


@pytest.mark.parametrize(("config", "f", "opt"), of_kind(is_number))
def test_numbers_of_other_kinds_become_python_s_own(config: type, f: dataclasses.Field, opt) -> None:
    whole = "int" in f.type
    top = opt.minimum + 1 if opt.maximum is None else min(opt.maximum, opt.minimum + 1)
    for kind in (int, float, np.int64, np.int32, np.float64, np.float32):
        value = getattr(config(**{f.name: kind(top)}), f.name)
        assert value == top
        assert type(value) is (int if whole else float)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_resolved_settings_have_every_value(model: str) -> None:
    config = TrainConfig(model=model).resolved()
    assert all(getattr(config, f.name) is not None for f in dataclasses.fields(config))
    assert config.lr == {"skipgram": 0.025, "cbow": 0.06}[model]
    assert config.min_lr == pytest.approx(config.lr * 1e-4)
    assert config.threads == available_cpus()
    assert config.resolved() == config


def test_a_rate_that_would_rise_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"min_lr: 1 is more than lr=0\.5"):
        TrainConfig(lr=0.5, min_lr=1).resolved()
    with pytest.raises(SettingsError, match=r"min_lr: 0\.05 is more than lr=0\.025"):
        TrainConfig(min_lr=0.05).resolved()
    assert TrainConfig(lr=0.5, min_lr=0.5).resolved().min_lr == 0.5


def test_resolved_settings_keep_what_was_given() -> None:
    config = TrainConfig(model="cbow", lr=0.3, min_lr=0.0, threads=7, negative_pool=3, hot_rows=5).resolved()
    assert (config.lr, config.min_lr, config.threads, config.negative_pool, config.hot_rows) == (0.3, 0.0, 7, 3, 5)


def test_smallest_learning_rate_follows_the_given_one() -> None:
    assert TrainConfig(lr=0.5).resolved().min_lr == pytest.approx(0.5e-4)


def test_exact_turns_every_departure_off() -> None:
    config = TrainConfig(exact=True).resolved()
    assert (config.share_negatives, config.negative_pool, config.hot_rows) == (False, 0, 0)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().dim = 5


def test_settings_do_without_numpy() -> None:
    code = "import sys, w2v.training.config, w2v.errors; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


@pytest.mark.parametrize("number", [10**18 * 100, 10**400, -(10**400), 10**6000], ids=int.bit_length)
@pytest.mark.parametrize("name", ["window", "min_count", "seed", "lr"])
def test_a_number_of_hundreds_of_digits_is_refused_in_few_words(name: str, number: int) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: (100000000000000000000|a number of about [0-9]+ digits) is too"):
        (CorpusConfig if name == "min_count" else TrainConfig)(**{name: number})


def test_more_passes_than_ten_are_refused():
    assert CorpusConfig(phrases=10).phrases == 10
    with pytest.raises(SettingsError, match="got 11"):
        CorpusConfig(phrases=11)


def test_every_number_and_switch_has_the_default_and_the_range_that_the_docs_name():
    found = {
        name: (f.default, opt.minimum, opt.maximum, opt.exclusive)
        for config in (TrainConfig, CorpusConfig, SessionConfig)
        for name, (f, opt) in options_of(config).items()
        if opt.minimum is not None or isinstance(f.default, (int, float))
    }
    assert found == RANGES
