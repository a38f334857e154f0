from __future__ import annotations

import click
import pytest

from w2v.cli.command import ALL_OPTIONS
from w2v.cli.main import cli
from w2v.cli.options import Number
from w2v.corpus.config import CorpusConfig
from w2v.settings import options_of
from w2v.training.config import TrainConfig

CONFIGS = [CorpusConfig, TrainConfig]
FIELDS = [(config, name) for config in CONFIGS for name in options_of(config)]
# A value for each field that is legal and differs from its default.
OTHER = {
    "whitespace": "ascii",
    "tokenizer": "words",
    "lower": True,
    "normalize": "nfc",
    "min_count": 2,
    "max_vocab": 10,
    "phrases": 2,
    "phrase_score": "npmi",
    "phrase_threshold": 50.0,
    "phrase_min_count": 3,
    "phrase_connectors": "english",
    "model": "cbow",
    "loss": "hs",
    "dim": 7,
    "window": 3,
    "fixed_window": True,
    "negative": 4,
    "ns_exponent": -0.5,
    "node_sample": 0.01,
    "sample": 0.0,
    "lr": 0.5,
    "min_lr": 0.25,
    "epochs": 2,
    "cbow_gradient": "exact",
    "freeze": "context",
    "threads": 2,
    "seed": 9,
    "share_negatives": False,
    "negative_pool": 0,
    "hot_rows": 0,
    "exact": True,
    "reproducible": True,
    "held_out": 0.25,
    "stop_early": 3,
    "subwords": "2-5",
    "buckets": 1000,
}


@pytest.fixture
def parsed(monkeypatch):
    """Parse a train command line and return the configs that it makes."""
    from w2v.cli.options import config_from

    def parse(*args: str) -> dict[type, object]:
        command = cli.get_command(None, "train")
        with command.make_context("train", ["corpus.txt", "-o", "v.bin", *args]) as context:
            given = dict(context.params)
            return {config: config_from(config, given) for config in CONFIGS}

    return parse


def test_without_options_the_configs_have_their_defaults(parsed):
    assert parsed() == {CorpusConfig: CorpusConfig(), TrainConfig: TrainConfig()}


@pytest.mark.parametrize(("config", "name"), FIELDS, ids=[name for _, name in FIELDS])
def test_every_spelling_of_an_option_sets_its_field(parsed, config, name):
    field, declared = options_of(config)[name]
    value = OTHER[name]
    if isinstance(field.default, bool):
        spellings = [declared.off] if field.default else ["--" + name.replace("_", "-")]
        lines = [[s] for s in spellings]
    else:
        lines = [[s, str(value)] for s in ("--" + name.replace("_", "-"), *declared.flags, *declared.aliases)]
    for line in lines:
        assert parsed(*line)[config] == config(**{name: value}), line


@pytest.mark.parametrize(("config", "name"), FIELDS, ids=[name for _, name in FIELDS])
def test_help_shows_the_option_and_hides_its_aliases(config, name):
    command = cli.get_command(None, "train")
    with click.Context(command, info_name="train") as context:
        context.meta[ALL_OPTIONS] = True
        words = command.get_help(context).replace("[no-]", "").split()
    declared = options_of(config)[name][1]
    assert "--" + name.replace("_", "-") in words
    assert not set(declared.aliases) & set(words)


def test_no_spelling_is_declared_twice():
    command = cli.get_command(None, "train")
    spellings = [s for p in command.params for s in (*p.opts, *p.secondary_opts)]
    assert sorted(spellings) == sorted(set(spellings))


# Of the commands' own options: name, least, most, default.
NUMBERS = {
    "check": "min_count 1 None 5",
    "vocab": "max_vocab 1 None None; threads 1 1024 None; min_count None None 5",
    "encode": "threads 1 1024 None; min_count None None 5",
    "sessions": "min_length None None 2",
    "word2vec": "size None None 100; window None None 5; sample None None 0.001; hs None None 0; negative None None 5; "
    "threads None None 12; iter None None 5; min_count None None 5; alpha None None None; cbow None None 1; "
    "binary None None 0; classes None None 0; debug None None 2",
    "pairs": "window None None 5; negative 0 None 5; sample None None 0.0; dim None None 10; lr None None 0.1; "
    "epochs None None 1; min_count None None 1; max_vocab None None None",
    "learn": "dim None None 5; window None None 2; negative None None 2; epochs None None 200; lr None None 0.1; "
    "sample None None 0.0; min_count None None 1",
    "analogy": "restrict_vocab 1 None None; topn 1 None 10",
    "convert": "top 1 None None; drop_top 0 None None; pca 1 None None",
    "diff": "k 1 None 10; top 0 None 10000; words 0 None 10",
    "embed": "threads 1 1024 None; sif_weight 1e-12 1000000000000.0 None; remove 0 None None",
    "evaluate": "topn 1 None 10; decay None None 1.0; restrict_vocab 1 None 30000",
    "explore": "top 2 None 20000; seed 0 4294967295 1",
    "phrases": "threads 1 1024 None; min_count None None 5; passes None None 1; threshold None None None",
    "plan": "seconds 0 600 2.0",
    "plot": "seed 0 4294967295 1; top 2 None None; dpi 20 1200 150",
    "predict": "topn 1 None 10",
    "senses": "topn 1 None 10; links 1 None 15",
    "similar": "topn 1 None 10; decay None None 1.0; restrict_vocab 1 None None; min_cosine -1 1 None",
}


@pytest.mark.parametrize("command", NUMBERS)
def test_the_numbers_of_a_command_have_the_ranges_and_defaults_of_its_help(command):
    found = {}
    for each in cli.get_command(click.Context(cli), command).params:
        if isinstance(each.type, Number):
            default = each.default if isinstance(each.default, (int, float)) else None
            found[each.name] = f"{each.name} {each.type.minimum} {each.type.maximum} {default}"
    wanted = NUMBERS[command].split("; ")
    assert [found.get(line.split()[0]) for line in wanted] == wanted
