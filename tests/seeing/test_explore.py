"""The page of `w2v explore`, in a real browser."""

from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from w2v.seeing import explore

from .conftest import HOSTILE, SCRIPTS


@pytest.fixture(scope="session")
def page(varied, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_bytes(explore.make_page(varied, "</title><b>a & b").html)
    return path


@pytest.fixture
def opened(browser, page):
    browser.resize(1280, 800)
    browser.prefer("light")
    browser.open(page.as_uri())
    return browser


def texts(browser, selector: str) -> list[str]:
    return browser.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")


def search(browser, text: str) -> None:
    browser.run("document.getElementById('query').focus(), document.getElementById('query').value = ''")
    browser.type(text)
    browser.press("Enter")
    browser.settle()


def shown(words: list[str]) -> list[str]:
    """Words as a page can show them: what is no text becomes U+FFFD."""
    return [word.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for word in words]


def test_the_page_loads_with_no_error_and_asks_no_server(opened, page):
    assert opened.errors == []
    assert opened.requests == [page.as_uri()]
    assert opened.run("document.title") == "</title><b>a & b · w2v explore"
    assert opened.run("document.getElementById('title').textContent") == "</title><b>a & b"
    assert opened.run("document.getElementById('size').textContent") == "400 words · 24 dimensions"


def test_the_map_is_drawn(opened):
    colours = opened.run(
        "(() => { const c = document.getElementById('map');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i+1] << 8 | d[i+2]);"
        " return seen.size; })()"
    )
    assert colours > 50


@pytest.mark.parametrize("word", ["king", "word7", *SCRIPTS[:-1], *(w for w in HOSTILE if w.isprintable())])
def test_search_finds_a_word_and_lists_the_neighbours_of_similar(opened, varied, word):
    search(opened, word)
    wanted = varied.most_similar(word)
    assert texts(opened, "#word") == [word]
    assert texts(opened, "#near bdi") == shown([other for other, _ in wanted])
    cosines = [float(text) for text in texts(opened, "#near span")]
    assert cosines == pytest.approx([score for _, score in wanted], abs=6e-4)
    assert opened.errors == []
    assert "broken" not in opened.run("document.title")


def test_every_word_has_the_neighbours_of_similar(browser, varied, page):
    browser.open(page.as_uri())
    found = browser.run(
        "JSON.parse(document.getElementById('data-words').textContent).map(word => {"
        " document.getElementById('query').value = word; document.getElementById('search').requestSubmit();"
        " return [...document.querySelectorAll('#near button')].map(b => +b.dataset.row); })"
    )
    place = {word: row for row, word in enumerate(varied.words)}
    rows = [row for row, word in enumerate(varied.words) if word.isprintable()]  # what can be typed
    assert len(rows) > 390
    for row in rows:
        assert found[row] == [place[word] for word, _ in varied.most_similar(varied.words[row])], varied.words[row]


def test_typing_offers_words_that_begin_so_and_keys_choose_one(opened):
    opened.run("document.getElementById('query').focus()")
    opened.type("PRIN")
    assert texts(opened, "#found bdi") == ["prince", "princess"]
    assert opened.run("document.getElementById('query').getAttribute('aria-expanded')") == "true"
    opened.press("ArrowDown")
    opened.press("ArrowDown")
    assert opened.run("document.getElementById('query').getAttribute('aria-activedescendant')") == "found-1"
    opened.press("Enter")
    assert texts(opened, "#word") == ["princess"]
    assert opened.run("document.getElementById('found').hidden")


def test_a_slash_goes_to_the_search_field(opened):
    opened.run("document.getElementById('map').focus()")
    opened.press("/")
    assert opened.run("document.activeElement.id") == "query"
    assert opened.run("document.getElementById('query').value") == ""


def test_an_analogy_answers_as_the_command_does(opened, varied):
    for name, word in zip("abc", ("man", "king", "woman"), strict=True):
        opened.run(f"document.getElementById('{name}').focus()")
        opened.type(word)
    opened.press("Enter")
    answers = texts(opened, "#answers bdi")
    assert answers[0] == "queen"
    assert answers == shown([word for word, _ in varied.analogy("man", "king", "woman")])


def test_an_expression_in_the_search_field_answers_too(opened, varied):
    search(opened, "king - man + woman")
    assert texts(opened, "#near bdi") == shown([word for word, _ in varied.query("king - man + woman")])
    search(opened, "king - nobody + woman")
    assert "nobody" in texts(opened, "#note")[0]


def test_a_word_that_is_not_there_is_said(opened):
    search(opened, "zzzz")
    assert "zzzz" in texts(opened, "#note")[0]
    opened.run("document.getElementById('b').value = ''")
    opened.run("document.getElementById('a').focus()")
    opened.type("zzzz")
    opened.press("Enter")
    assert texts(opened, "#analogy-note") == ["Three words are needed."]


def test_a_click_on_the_map_chooses_the_word_there(opened):
    search(opened, "king")
    assert opened.settle(60_000)  # the flight is over
    opened.run("location.hash = location.hash.replace(/word=[^&]*/, '')")
    opened.settle()
    assert texts(opened, "#word") == ["Choose a word"]
    opened.click_on("#map")
    opened.settle()
    assert texts(opened, "#word") == ["king"]


def test_dragging_and_the_wheel_move_the_map(opened):
    opened.mouse("mousePressed", 400, 400, button="left", buttons=1, clickCount=1)
    for x in range(400, 500, 20):
        opened.mouse("mouseMoved", x, 400, button="left", buttons=1)
    opened.mouse("mouseReleased", 500, 400, button="left", buttons=0, clickCount=1)
    opened.settle()
    x, _, zoom = view_of(opened)
    assert x < -0.05
    assert zoom == 1
    opened.mouse("mouseWheel", 400, 400, deltaX=0, deltaY=-500)
    opened.settle()
    assert view_of(opened)[2] > 1.5


def test_keys_move_the_map(opened):
    opened.run("document.getElementById('map').focus()")
    opened.press("ArrowLeft")
    opened.press("+")
    opened.settle()
    x, _, zoom = view_of(opened)
    assert x < 0
    assert zoom == pytest.approx(1.4)
    opened.press("Enter")
    opened.settle()
    assert texts(opened, "#word") != ["Choose a word"]


def seen(browser) -> tuple:
    return browser.run("location.hash"), *(texts(browser, part) for part in ("#rows bdi", "#word", "#near bdi"))


def view_of(browser) -> list[float]:
    return browser.run("new URLSearchParams(location.hash.slice(1)).get('at').split(',').map(Number)")


def test_the_address_restores_the_view(opened, page):
    search(opened, "queen")
    opened.click_on("#add")
    search(opened, "서울")
    opened.click_on("#add")
    opened.click_on("#sort")
    opened.click_on("#nearer")
    opened.click_on("#maps button:nth-child(2)")
    opened.click_on("#theme")
    assert opened.settle(60_000)  # the flight is over
    before = seen(opened)
    assert before[1:3] == (["queen", "서울"], ["서울"])
    opened.open(page.as_uri() + before[0])
    assert seen(opened) == before
    assert opened.run("document.documentElement.classList.contains('dark')")
    assert opened.run("document.getElementById('sort').checked")
    assert texts(opened, "#maps [aria-pressed=true]") == ["PCA"]


@pytest.mark.parametrize(
    "address", ["#word=nobody", "#at=x,y,z", "#at=1e999,0,0", "#map=none&ask=+", "#%", "#with=%F0%9F&theme=x"]
)
def test_a_broken_address_opens_the_page_all_the_same(browser, page, address):
    browser.open(page.as_uri() + address)
    assert browser.errors == []
    assert texts(browser, "#word") == ["Choose a word"]


def test_light_and_dark_follow_the_system(opened):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened.run(ground)
    opened.prefer("dark")
    opened.settle()
    assert opened.run(ground) != light


@pytest.mark.parametrize(
    ("word", "direction"),
    [("القاهرة", "rtl"), ("שלום", "rtl"), ("東京", "ltr"), ("ことば", "ltr"), ("北京", "ltr"), ("दिल्ली", "ltr")],
)
def test_words_of_every_script_stand_in_their_own_direction(opened, word, direction):
    search(opened, word)
    assert texts(opened, "#word") == [word]
    assert opened.run("getComputedStyle(document.getElementById('word')).direction") == direction
    assert opened.run("getComputedStyle(document.querySelector('#near bdi')).unicodeBidi") == "isolate"


def test_a_narrow_window_has_no_sideways_scrolling(opened):
    opened.resize(390, 780)
    search(opened, HOSTILE[10])
    assert opened.run("document.documentElement.scrollWidth <= innerWidth")
    assert opened.run("document.getElementById('panel').scrollWidth <= document.getElementById('panel').clientWidth")


def axe_source() -> str:
    given = os.environ.get("W2V_AXE")
    if given:
        return Path(given).read_text(encoding="utf-8")
    found = find_spec("axe_core_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip("axe is not here (pip install axe-core-python, or W2V_AXE=axe.min.js)")
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(opened, scheme):
    source = axe_source()
    opened.prefer(scheme)
    search(opened, "king")
    opened.click_on("#add")
    opened.run("document.getElementById('query').focus()")
    opened.type("prin")
    opened.settle()
    opened.run(source + "; 0")
    result = opened.run("axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in result["violations"]] == []


@pytest.mark.parametrize("bits", explore.ROUNDINGS)
def test_every_rounding_gives_the_vectors_back(browser, tmp_path, varied, bits, monkeypatch):
    monkeypatch.setattr(explore, "ROUNDINGS", (bits,))
    made = explore.make_page(varied, "v", "pca")
    assert made.bits == bits
    (tmp_path / "page.html").write_bytes(made.html)
    browser.open((tmp_path / "page.html").as_uri())
    search(browser, "king - man + woman")
    wanted = dict(varied.query("king - man + woman"))
    assert [float(text) for text in texts(browser, "#near span")] == pytest.approx(
        list(wanted.values()), abs=6e-4 + 1.0 / 2**bits
    )
    assert browser.errors == []


def test_no_word_can_leave_the_data(varied):
    text = explore.make_page(varied, "v").html.decode()
    words = re.search(r'id="data-words">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(words) == list(varied.words)
    assert not set("<>&\u2028") & set(words)
    assert text.count("<script") == text.count("</script>") == 2 + 1 + 3 + 2


def test_fine_rounding_gives_way_to_size():
    assert explore.bits_that_fit((20_000, 100), explore.LARGEST - 10**6) == 16
    assert explore.bits_that_fit((20_000, 300), explore.LARGEST - 10**6) == 12
    assert explore.bits_that_fit((20_000, 500), explore.LARGEST - 10**6) == 8


@pytest.mark.slow
def test_a_page_of_20000_words_in_300_dimensions_is_under_15_mb(browser, tmp_path):
    from w2v.vectors.vectors import Vectors

    random = np.random.default_rng(2)
    matrix = random.normal(size=(40, 300))[np.arange(20_000) % 40] + random.normal(size=(20_000, 300))
    made = explore.make_page(Vectors([f"word-{i:08d}" for i in range(20_000)], matrix.astype(np.float32)), "v")
    assert (made.words, made.dim, made.bits) == (20_000, 300, 12)
    assert len(made.html) < 15_000_000
    (tmp_path / "page.html").write_bytes(made.html)
    browser.resize(1280, 800)
    browser.open((tmp_path / "page.html").as_uri() + "#word=word-00000041")
    assert browser.errors == []
    assert len(texts(browser, "#near bdi")) == 10


@pytest.mark.parametrize("layout", ["tsne", "umap"])
def test_maps_by_other_libraries_are_shown_first(browser, tmp_path, varied, layout, monkeypatch):
    from w2v.seeing.layout import LIBRARY
    from w2v.vectors.vectors import Vectors

    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # UMAP of a few words is laid out sooner than compiled
    pytest.importorskip(LIBRARY[layout])
    few = Vectors(list(varied.words)[:20], varied.matrix[:20])
    (tmp_path / "page.html").write_bytes(explore.make_page(few, "v", layout).html)
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.errors == []
    assert texts(browser, "#maps button") == [explore.LABELS[layout], "PCA"]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_words_make_a_page_too(browser, tmp_path, count):
    from w2v.vectors.vectors import Vectors

    matrix = np.eye(5, 3, dtype=np.float32)[:count]
    made = explore.make_page(Vectors(["a", "b", "c", "d", "e"][:count], matrix), "v")
    (tmp_path / "page.html").write_bytes(made.html)
    browser.open((tmp_path / "page.html").as_uri() + "#word=a")
    assert browser.errors == []
    assert len(texts(browser, "#near bdi")) == count - 1


def test_the_page_opens_with_questions_to_try_and_an_analogy_that_is_answered(opened, varied):
    chips = texts(opened, "#chips button")
    assert chips[0] == "king - man + woman"
    assert len(chips) == 3
    assert set(chips[1:]) <= set(shown(list(varied.words)))
    assert opened.run("['a', 'b', 'c'].map(id => document.getElementById(id).value)") == ["man", "king", "woman"]
    assert texts(opened, "#answers bdi")[0] == "queen"
    opened.click_on("#chips button")
    opened.settle()
    assert texts(opened, "#near bdi")[0] == "queen"
    assert texts(opened, "#chips button") == []


def test_an_expression_moves_the_map_to_its_answer_and_draws_the_parallelogram(opened):
    before = opened.run("location.hash")
    search(opened, "king - man + woman")
    assert opened.settle(60_000)  # the flight is over
    after = opened.run("location.hash")
    assert "ask=king" in after
    assert before.partition("at=")[2][:12] != after.partition("at=")[2][:12]
    dashes = opened.run(
        "(() => { const c = document.getElementById('map'), b = c.getContext('2d'), d = b.setLineDash; let seen = 0;"
        " b.setLineDash = (dash) => { seen += dash.length > 0; d.call(b, dash); };"
        " document.getElementById('nearer').click();"
        " return atRest(60000).then(() => seen); })()"
    )
    assert dashes > 0


def test_given_groups_have_a_legend_and_names_stand_before_the_words(browser, tmp_path, varied):
    groups = {"king": "people", "queen": "people", "서울": "cities"}
    made = explore.make_page(varied, "v", "pca", groups=groups, names={"king": "His Majesty", "nowhere": "x"})
    (tmp_path / "page.html").write_bytes(made.html)
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.errors == []
    assert texts(browser, "#legend span") == ["people", "cities", "other"]
    search(browser, "majesty")
    assert texts(browser, "#word") == ["His Majesty · king"]
