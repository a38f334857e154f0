"""The page of `w2v learn`, in a real browser."""

from __future__ import annotations

import pytest

import w2v
from w2v.seeing.explore import as_json, assemble, script
from w2v.training.config import TrainConfig
from w2v.training.lesson import record

from .test_explore import axe_source, texts

EPOCHS = 15


@pytest.fixture(scope="session", params=["ns", "hs"])
def lesson(request):
    corpus = w2v.encode([["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]], min_count=1)
    config = TrainConfig(dim=5, window=2, negative=2, epochs=EPOCHS, lr=0.2, sample=0, loss=request.param)
    return record(corpus, config)


@pytest.fixture
def opened(browser, lesson, tmp_path):
    data = script("lesson", "application/json", as_json(lesson.as_dict()))
    path = tmp_path / "learn.html"
    path.write_text(assemble("learn", ["page.css", "learn.css"], ["learn.js"], "a fox", data), encoding="utf-8")
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.open(path.as_uri())
    return browser


def test_the_page_loads_with_no_error_and_asks_no_server(opened):
    assert opened.errors == []
    assert len(opened.requests) == 1
    assert texts(opened, "#title") == ["a fox"]
    assert "random numbers" in texts(opened, "#caption")[0]


def test_a_step_is_shown_stage_by_stage_with_the_recorded_numbers(opened, lesson):
    seen = []
    for _ in range(6):
        opened.click_on("#forward")
        seen.append(texts(opened, "#stages [aria-current]")[0])
    assert seen == ["window", "samples", "dot products", "sigmoid", "error", "update"]
    lines = "[...document.querySelectorAll('#samples tbody tr')]"
    rows = opened.run(f"{lines}.map(line => [...line.cells].map(cell => cell.textContent))")
    first = lesson.steps[0]
    assert len(rows) == len(first.samples)
    for shown, (given, _, label, *numbers) in zip(rows, first.samples, strict=True):
        assert shown[0] == lesson.words[given]
        assert shown[2] == str(label)
        assert [float(text) for text in shown[3:]] == pytest.approx(numbers, abs=1e-4)
    assert len(texts(opened, "#inputs tr.changed")) == len(first.changed[0])
    assert len(texts(opened, "#outputs tr.changed")) == len(first.changed[1])


def test_it_goes_back_to_an_epoch_to_the_end_and_by_keys(opened, lesson):
    opened.click_on("#next-epoch")
    opened.click_on("#next-epoch")
    assert texts(opened, "#epoch-shown") == [f"2 of {EPOCHS}"]
    opened.click_on("#back")
    assert texts(opened, "#epoch-shown") == [f"1 of {EPOCHS}"]
    opened.run("(e => { e.value = e.max; e.dispatchEvent(new Event('input')); })(document.getElementById('epoch'))")
    assert "has ended" in texts(opened, "#caption")[0]
    cells = opened.run("[...document.querySelectorAll('#inputs tr:first-child td')].map(c => Number(c.title))")
    assert cells == pytest.approx(lesson.begins[EPOCHS + 1][0][0].tolist(), abs=1e-4)
    opened.run("document.activeElement.blur()")
    opened.press("Home")
    assert "random numbers" in texts(opened, "#caption")[0]


def test_playing_reaches_the_end_by_itself(opened):
    opened.run("document.getElementById('speed').value = '40'")
    opened.click_on("#play")
    done = opened.run(
        "new Promise(done => { const look = () => document.getElementById('epoch-shown').textContent === 'end'"
        " ? done(true) : setTimeout(look, 20); look(); })"
    )
    assert done
    assert opened.run("document.getElementById('play').getAttribute('aria-label')") == "Play"


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_axe_finds_nothing_to_complain_of(opened, width, height, scheme):
    source = axe_source()
    opened.resize(width, height)
    opened.prefer(scheme)
    opened.open(opened.run("location.href").split("#")[0] + "#10")
    assert opened.run("document.documentElement.scrollWidth <= innerWidth")
    opened.run(source + "; 0")
    found = opened.run("axe.run(document, {resultTypes: ['violations']})")
    assert [(each["id"], [node["html"][:80] for node in each["nodes"]]) for each in found["violations"]] == []
