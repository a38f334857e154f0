// The panel: the chosen word and its neighbours, expressions, analogies, and the search field.
const get = (id) => document.getElementById(id);
const state = { query: "" }; // an expression, when its answer is shown

function say(text) { get("said").textContent = text; }

function list(target, found) {
  const top = Math.max(1e-9, ...found.map(([, score]) => score));
  target.replaceChildren(...found.map(([row, score]) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const bar = document.createElement("i"), word = document.createElement("bdi"), number = document.createElement("span");
    button.type = "button";
    button.dataset.row = row;
    bar.style.width = `calc((100% - 34px) * ${Math.max(0, score / Math.max(top, 1)).toFixed(3)})`;
    word.textContent = words[row];
    number.textContent = score.toFixed(3);
    button.append(bar, word, number);
    button.addEventListener("click", () => choose(row));
    button.addEventListener("pointerenter", () => setHover(row));
    button.addEventListener("pointerleave", () => setHover(-1));
    item.append(button);
    return item;
  }));
}

function choose(row, bring = true) {
  const found = neighboursOf(row);
  state.query = "";
  Object.assign(marks, { chosen: row, lit: found.map(([other]) => other), shape: [] });
  get("word").textContent = words[row];
  get("chips").replaceChildren();
  get("note").textContent = `word ${(row + 1).toLocaleString("en")} of the ${about.count.toLocaleString("en")} in this page`;
  list(get("near"), found);
  say(`${words[row]}. Nearest: ${found.slice(0, 3).map(([other]) => words[other]).join(", ")}`);
  showCompared();
  if (bring) showWord(row);
  else redraw();
  remember();
}

function ask(text, bring = true) {
  const asked = parse(text);
  if (!asked) return false;
  if (asked.missing) {
    say(`${asked.missing} is not among these words`);
    get("note").textContent = `“${asked.missing}” is not among these words`;
    return true;
  }
  const found = nearest(asked.plus, asked.minus);
  state.query = text.trim();
  const simple = asked.plus.length === 2 && asked.minus.length === 1 && found.length;
  Object.assign(marks, { chosen: -1, lit: found.map(([row]) => row),
    shape: simple ? [asked.minus[0], asked.plus[0], found[0][0], asked.plus[1]] : [] });
  get("word").textContent = state.query;
  get("chips").replaceChildren();
  get("note").textContent = "nearest words to the expression";
  list(get("near"), found);
  say(`${state.query}: ${found.length ? words[found[0][0]] : "no answer"}`);
  showCompared();
  if (bring && found.length) showRows([...asked.plus, ...asked.minus, ...marks.lit.slice(0, 3)]);
  else redraw();
  remember();
  return true;
}

function showCompared() {
  const on = marks.chosen >= 0 && compared.includes(marks.chosen), button = get("add");
  button.hidden = marks.chosen < 0;
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? "Compared" : "Compare";
}
get("add").addEventListener("click", () => { if (marks.chosen >= 0) compare(marks.chosen); });

function answerAnalogy(told = true) {
  const fields = ["a", "b", "c"].map((id) => get(id).value);
  const rows = fields.map(lookUp), missing = fields.filter((_, i) => rows[i] < 0);
  get("analogy-note").textContent = "";
  get("answers").replaceChildren();
  if (fields.some((text) => !text.trim())) get("analogy-note").textContent = "Three words are needed.";
  else if (missing.length) get("analogy-note").textContent = `Not among these words: ${missing.join(", ")}`;
  else {
    const [a, b, c] = rows, found = nearest([b, c], [a]);
    list(get("answers"), found);
    if (told) say(`${words[a]} is to ${words[b]} as ${words[c]} is to ${found.length ? words[found[0][0]] : "nothing"}`);
  }
  remember();
}
for (const id of ["a", "b", "c"]) get(id).addEventListener("focus", () => get(id).select());
get("analogy").addEventListener("submit", (event) => { event.preventDefault(); answerAnalogy(); });

// Search: a combobox after the ARIA authoring practices.
const field = get("query"), box = get("found");
let options = [], active = -1;

function openList(rows) {
  options = rows;
  active = -1;
  box.replaceChildren(...rows.map((row, i) => {
    const item = document.createElement("li"), word = document.createElement("bdi"), rank = document.createElement("small");
    item.id = `found-${i}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    word.textContent = words[row];
    rank.textContent = (row + 1).toLocaleString("en");
    item.append(word, rank);
    item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(row); });
    return item;
  }));
  box.hidden = !rows.length;
  field.setAttribute("aria-expanded", String(rows.length > 0));
  field.removeAttribute("aria-activedescendant");
}

function setActive(place) {
  active = place;
  [...box.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === place)));
  if (place < 0) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", `found-${place}`);
  box.children[place].scrollIntoView({ block: "nearest" });
}

function take(row) {
  field.value = "";
  openList([]);
  choose(row);
}

function enter() {
  if (active >= 0) return take(options[active]);
  if (ask(field.value)) { openList([]); return; }
  const row = lookUp(field.value);
  if (row >= 0) take(row);
  else if (options.length) take(options[0]);
  else if (field.value.trim()) {
    get("note").textContent = `“${field.value.trim()}” is not among these words`;
    say(get("note").textContent);
  }
}

field.addEventListener("input", () => openList(search(field.value)));
field.addEventListener("blur", () => openList([]));
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return; // an input method is at work
  if (event.key === "ArrowDown" && options.length) setActive((active + 1) % options.length);
  else if (event.key === "ArrowUp" && options.length) setActive(active <= 0 ? options.length - 1 : active - 1);
  else if (event.key === "Escape") { if (options.length) openList([]); else field.value = ""; }
  else return;
  event.preventDefault();
});
get("search").addEventListener("submit", (event) => { event.preventDefault(); enter(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  field.focus();
});
