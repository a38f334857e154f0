// The view as an address: what comes after # restores map, place, word, expression, analogy and compared words.
let remembering = 0, quiet = true;

function address() {
  const parts = new URLSearchParams();
  parts.set("map", shownMap);
  parts.set("at", [view.x.toFixed(4), view.y.toFixed(4), view.zoom.toFixed(3)].join(","));
  if (state.query) parts.set("ask", state.query);
  else if (marks.chosen >= 0) parts.set("word", words[marks.chosen]);
  for (const row of compared) parts.append("with", words[row]);
  if (sortBox.checked) parts.set("sort", "1");
  if (get("answers").children.length) parts.set("analogy", ["a", "b", "c"].map((id) => get(id).value.trim()).join(" "));
  if (document.documentElement.dataset.theme) parts.set("theme", document.documentElement.dataset.theme);
  return "#" + parts;
}

function remember() {
  if (quiet) return;
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    try { history.replaceState(null, "", address()); } catch { /* some viewers allow no addresses */ }
  }, 150);
}

function moved() {
  setHover(-1);
  redraw();
  remember();
}

function restore() {
  const parts = new URLSearchParams(location.hash.slice(1));
  quiet = true;
  setTheme(parts.get("theme") || "");
  const name = parts.get("map");
  if (maps.has(name)) { shownMap = name; places = maps.get(name); }
  showMapNames();
  compared.length = 0;
  for (const word of parts.getAll("with")) if (rowOf.has(word)) compared.push(rowOf.get(word));
  sortBox.checked = parts.get("sort") === "1";
  drawRows();
  const three = (parts.get("analogy") || "").split(" ");
  if (three.length === 3) {
    ["a", "b", "c"].forEach((id, i) => { get(id).value = three[i]; });
    answerAnalogy();
  }
  const word = rowOf.get(parts.get("word"));
  if (word !== undefined) choose(word, !parts.get("at"));
  else if (!parts.get("ask") || !ask(parts.get("ask"), !parts.get("at"))) welcome();
  const at = (parts.get("at") || "").split(",").map(Number);
  if (at.length === 3 && at.every(Number.isFinite)) {
    flight++;
    Object.assign(view, { x: clamp(at[0]), y: clamp(at[1]), zoom: Math.min(400, Math.max(0.5, at[2])) });
  }
  quiet = false;
  redraw();
}
const clamp = (value) => Math.min(1.2, Math.max(-1.2, value));

function welcome() {
  Object.assign(marks, { chosen: -1, lit: [], shape: [] });
  get("word").textContent = "Choose a word";
  get("note").textContent = "Click one on the map, search, or try one of these:";
  get("near").replaceChildren();
  get("chips").replaceChildren(...about.examples.map((text) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = text;
    chip.addEventListener("click", () => { if (!ask(text)) choose(lookUp(text)); });
    return chip;
  }));
  if (about.analogy.length && !get("answers").children.length) {
    ["a", "b", "c"].forEach((id, i) => { get(id).value = about.analogy[i]; });
    answerAnalogy(false);
  }
  showCompared();
}

function setTheme(name) {
  const root = document.documentElement;
  if (name === "light" || name === "dark") root.dataset.theme = name;
  else delete root.dataset.theme;
  root.classList.toggle("dark", name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  takeInks();
  for (const dot of get("legend").querySelectorAll("i")) dot.style.background = inks.groups[dot.dataset.group % inks.groups.length];
  redraw();
}
get("theme").addEventListener("click", () => { setTheme(isDark() ? "light" : "dark"); remember(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (!document.documentElement.dataset.theme) setTheme("");
});

function showMapNames() {
  get("maps").replaceChildren(...about.maps.map(({ name, label }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", String(name === shownMap));
    button.addEventListener("click", () => { useMap(name); showMapNames(); focusMapButton(name); moved(); });
    return button;
  }));
}
const focusMapButton = (name) => get("maps").children[about.maps.findIndex((map) => map.name === name)].focus();

get("nearer").addEventListener("click", () => zoomBy(1.5));
get("farther").addEventListener("click", () => zoomBy(1 / 1.5));
get("whole").addEventListener("click", showAll);
get("title").textContent = about.title;
if (about.legend.length) {
  get("legend").replaceChildren(...about.legend.map((name, group) => {
    const item = document.createElement("span"), dot = document.createElement("i");
    dot.dataset.group = group;
    item.append(dot, name);
    return item;
  }));
}
get("size").textContent = `${about.count.toLocaleString("en")} words · ${about.dim} dimensions`;
new ResizeObserver(fit).observe(get("stage"));
addEventListener("hashchange", restore);
fit();
restore();
