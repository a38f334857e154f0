// The map: points and labels on a canvas, moved by pointer, wheel, touch and keys.
const PALETTES = {
  light: ["#4269d0", "#c2761c", "#cf4050", "#2f8f9d", "#3c8f3a", "#c76093", "#8a5bc0", "#8d6a4f", "#7a7f24", "#5b7fa6", "#a84f2a", "#6b6f7b"],
  dark: ["#7d9cf0", "#f0b254", "#ff7f8c", "#6fd0dd", "#7ed07b", "#ff9fcb", "#c39af2", "#cfa98c", "#c5ca5c", "#9dbde0", "#ef9068", "#b3b8c6"],
};
const canvas = document.getElementById("map");
const brush = canvas.getContext("2d");
const view = { x: 0, y: 0, zoom: 1 }; // the middle, in the map's own -1..1, and how far in
const marks = { chosen: -1, lit: [], hover: -1, shape: [] }; // shape: the corners of an expression's parallelogram
let places = maps.get(about.maps[0].name);
let shownMap = about.maps[0].name;
let size = { width: 1, height: 1, ratio: 1 };
let waiting = false;
const covers = document.querySelectorAll("#stage > .zoom, #stage > .legend");
const labelWidths = new Map();
const byGroup = [];
for (let row = 0; row < about.count; row++) (byGroup[groups[row]] ??= []).push(row);

const scale = () => Math.min(size.width, size.height) * 0.48 * view.zoom;
const toX = (row) => (places[2 * row] - view.x) * scale() + size.width / 2;
const toY = (row) => (view.y - places[2 * row + 1]) * scale() + size.height / 2;

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function fit() {
  const box = canvas.getBoundingClientRect();
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  size = { width: Math.max(1, box.width), height: Math.max(1, box.height), ratio };
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round(size.height * ratio);
  redraw();
}

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => document.documentElement.classList.contains("dark");
let inks = {};
function takeInks() {
  inks = { back: ink("--back"), ink: ink("--ink"), soft: ink("--soft"), accent: ink("--accent"), halo: ink("--halo"),
    groups: PALETTES[isDark() ? "dark" : "light"] };
}

function draw() {
  brush.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  brush.fillStyle = inks.back;
  brush.fillRect(0, 0, size.width, size.height);
  drawPoints();
  drawLines();
  drawLabels();
}

function drawPoints() {
  const { width, height } = size, by = scale();
  const side = Math.min(7, Math.max(1.6, 1.3 + Math.log2(1 + view.zoom) * 0.9));
  const left = width / 2 - view.x * by, top = height / 2 + view.y * by, half = side / 2;
  brush.globalAlpha = marks.lit.length ? 0.32 : 0.72;
  byGroup.forEach((rows, group) => {
    brush.fillStyle = inks.groups[group % inks.groups.length];
    const round = side > 3.2; // from so near, few are in view, and corners would be seen
    if (round) brush.beginPath();
    for (const row of rows) {
      const x = places[2 * row] * by + left, y = top - places[2 * row + 1] * by;
      if (!(x > -side && y > -side && x < width + side && y < height + side)) continue;
      if (!round) brush.fillRect(x - half, y - half, side, side);
      else { brush.moveTo(x + half, y); brush.arc(x, y, half, 0, 7); }
    }
    if (round) brush.fill();
  });
  brush.globalAlpha = 1;
}

function drawLines() {
  if (marks.chosen < 0 && !marks.lit.length) return;
  brush.lineWidth = 1.2;
  brush.strokeStyle = inks.accent;
  if (marks.chosen >= 0) {
    brush.globalAlpha = 0.55;
    brush.beginPath();
    for (const row of marks.lit) {
      brush.moveTo(toX(marks.chosen), toY(marks.chosen));
      brush.lineTo(toX(row), toY(row));
    }
    brush.stroke();
    brush.globalAlpha = 1;
  }
  if (marks.shape.length) {
    brush.setLineDash([6, 4]);
    brush.beginPath();
    marks.shape.forEach((row, i) => (i ? brush.lineTo(toX(row), toY(row)) : brush.moveTo(toX(row), toY(row))));
    brush.closePath();
    brush.stroke();
    brush.setLineDash([]);
  }
  for (const row of new Set([...marks.lit, ...marks.shape, marks.chosen])) {
    if (row < 0) continue;
    brush.beginPath();
    brush.arc(toX(row), toY(row), row === marks.chosen ? 6.5 : 4.2, 0, 7);
    brush.fillStyle = inks.groups[groups[row] % inks.groups.length];
    brush.fill();
    brush.strokeStyle = row === marks.chosen ? inks.ink : inks.back;
    brush.lineWidth = row === marks.chosen ? 2 : 1;
    brush.stroke();
  }
}

// Labels in the order of frequency, each only where no other one is; the chosen word and its neighbours come first.
function drawLabels() {
  const cell = 8, across = Math.ceil(size.width / cell) + 1, down = Math.ceil(size.height / cell) + 1;
  const taken = new Uint8Array(across * down);
  const most = Math.round(size.width * size.height / 7000);
  const first = [...new Set([marks.chosen, ...marks.lit.slice(0, 1), ...marks.shape, ...marks.lit])].filter((row) => row >= 0);
  const special = new Set(first);
  let drawn = 0;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.lineJoin = "round";
  const block = (x, y, half, reach, take) => {
    const x0 = Math.max(0, (x - half) / cell | 0), x1 = Math.min(across - 1, (x + half) / cell | 0);
    const y0 = Math.max(0, (y - reach) / cell | 0), y1 = Math.min(down - 1, (y + reach) / cell | 0);
    for (let j = y0; j <= y1; j++) {
      if (take) taken.fill(1, j * across + x0, j * across + x1 + 1);
      else for (let i = x0; i <= x1; i++) if (taken[j * across + i]) return false;
    }
    return true;
  };
  for (const part of covers) { // what stands over the map
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = part;
    block(offsetLeft + offsetWidth / 2, offsetTop + offsetHeight / 2, offsetWidth / 2, offsetHeight / 2, true);
  }
  const inside = (x, y) => x >= 0 && y >= 0 && x < size.width && y < size.height;
  for (const row of first) if (inside(toX(row), toY(row))) block(toX(row), toY(row), 4, 4, true);
  const place = (row, force) => {
    const half = widthOf(row) / 2 * (force ? 1.15 : 1) + 4, dotX = toX(row), dotY = toY(row);
    if (!inside(dotX, dotY)) return;
    // Above the dot; the chosen word and its neighbours also below, at its sides and at its corners.
    const around = force ? [[0, -15], [0, 16], [half + 8, 0], [-half - 8, 0], [half + 4, -13], [-half - 4, -13], [half + 4, 14], [-half - 4, 14]] : [[0, -9]];
    const spot = around.map(([dx, dy]) => [dotX + dx, dotY + dy]).find(([x, y]) =>
      inside(x - half, y - 8) && inside(x + half, y + 8) && block(x, y, half, force ? 7 : 8, false));
    if (!spot) return;
    const [x, y] = spot;
    block(x, y, half, 8, true);
    const strong = row === marks.chosen;
    brush.font = (strong ? "650 16px " : force ? "600 14px " : "13px ") + FONT;
    brush.lineWidth = 4;
    brush.strokeStyle = inks.halo;
    brush.strokeText(shorten(words[row]), x, y);
    brush.fillStyle = marks.lit.length && !force ? inks.soft : inks.ink;
    brush.fillText(shorten(words[row]), x, y);
    drawn++;
  };
  for (const row of first) place(row, true);
  for (let row = 0; row < about.count && drawn < most + first.length; row++) if (!special.has(row)) place(row, false);
}

const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK KR", "Liberation Sans", sans-serif';
const shorten = (word) => (word.length > 28 ? word.slice(0, 27) + "…" : word);
function widthOf(row) {
  let width = labelWidths.get(row);
  if (width === undefined) {
    brush.font = "13px " + FONT;
    labelWidths.set(row, width = brush.measureText(shorten(words[row])).width);
  }
  return width;
}

function wordAt(x, y, reach = 14) {
  let best = -1, least = reach * reach;
  for (let row = 0; row < about.count; row++) {
    const dx = toX(row) - x, dy = toY(row) - y, far = dx * dx + dy * dy;
    if (far < least) { least = far; best = row; }
  }
  return best;
}

// The chosen word, where it is in view, else the middle: what the zoom buttons and keys keep in place.
function anchor() {
  const [x, y] = marks.chosen < 0 ? [-1, -1] : [toX(marks.chosen), toY(marks.chosen)];
  return x > 0 && y > 0 && x < size.width && y < size.height ? [x, y] : [size.width / 2, size.height / 2];
}

function zoomBy(factor, x = anchor()[0], y = anchor()[1]) {
  flight++;
  const before = scale();
  view.zoom = Math.min(400, Math.max(0.5, view.zoom * factor));
  const after = scale();
  view.x += (x - size.width / 2) * (1 / before - 1 / after);
  view.y -= (y - size.height / 2) * (1 / before - 1 / after);
  moved();
}

function panBy(dx, dy) {
  flight++;
  view.x = Math.min(1.2, Math.max(-1.2, view.x - dx / scale()));
  view.y = Math.min(1.2, Math.max(-1.2, view.y + dy / scale()));
  moved();
}

function showAll() {
  flyTo({ x: 0, y: 0, zoom: 1 });
}

// Bring a word into view, and near enough that it and some of its neighbours can be told apart.
function showWord(row) {
  const far = marks.lit.map((other) => Math.hypot(places[2 * other] - places[2 * row], places[2 * other + 1] - places[2 * row + 1]));
  const reach = far.sort((a, b) => a - b)[Math.min(5, far.length - 1)] || 0.05;
  const zoom = Math.max(view.zoom, Math.min(24, 0.3 / Math.max(reach, 1e-4)));
  flyTo({ x: places[2 * row], y: places[2 * row + 1], zoom });
}

// Bring several words into view.
function showRows(rows) {
  const xs = rows.map((row) => places[2 * row]), ys = rows.map((row) => places[2 * row + 1]);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const reach = Math.max(right - left, high - low, 0.02);
  flyTo({ x: (left + right) / 2, y: (low + high) / 2, zoom: Math.min(24, Math.max(0.8, 1.25 / reach)) });
}

let flight = 0;
function flyTo(goal) {
  const from = { ...view }, start = performance.now(), mine = ++flight;
  const step = (now) => {
    if (mine !== flight) return;
    const share = Math.min(1, Math.max(0, (now - start) / 450)), eased = share * share * (3 - 2 * share);
    view.zoom = from.zoom * (goal.zoom / from.zoom) ** eased;
    // Places move with the zoom, so that the way looks straight.
    const part = goal.zoom === from.zoom ? eased : (1 / from.zoom - 1 / view.zoom) / (1 / from.zoom - 1 / goal.zoom);
    view.x = from.x + (goal.x - from.x) * part;
    view.y = from.y + (goal.y - from.y) * part;
    if (share < 1) requestAnimationFrame(step);
    moved();
  };
  if (stillness.matches) { Object.assign(view, goal); return moved(); }
  requestAnimationFrame(step);
}
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

function useMap(name) {
  if (!maps.has(name)) return;
  const from = places, to = maps.get(name), start = performance.now();
  shownMap = name;
  if (from === to || stillness.matches) { places = to; return redraw(); }
  const between = new Float32Array(to.length);
  const step = (now) => {
    if (shownMap !== name) return;
    const share = Math.min(1, (now - start) / 700), eased = share * share * (3 - 2 * share);
    if (share < 1) {
      for (let i = 0; i < to.length; i++) between[i] = from[i] + (to[i] - from[i]) * eased;
      places = between;
      requestAnimationFrame(step);
    } else places = to;
    draw();
  };
  requestAnimationFrame(step);
}

const pointers = new Map();
let travelled = 0;
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  travelled = pointers.size > 1 ? 99 : 0;
  canvas.classList.add("held");
  setHover(-1);
});
canvas.addEventListener("pointermove", (event) => {
  const last = pointers.get(event.pointerId);
  if (!last) return setHover(wordAt(event.offsetX, event.offsetY));
  const others = [...pointers].filter(([id]) => id !== event.pointerId);
  const dx = event.offsetX - last.x, dy = event.offsetY - last.y;
  if (others.length) {
    const other = others[0][1], was = Math.hypot(last.x - other.x, last.y - other.y);
    const now = Math.hypot(event.offsetX - other.x, event.offsetY - other.y);
    zoomBy(now / Math.max(1, was), (event.offsetX + other.x) / 2, (event.offsetY + other.y) / 2);
  } else panBy(dx, dy);
  travelled += Math.abs(dx) + Math.abs(dy);
  pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, (event) => {
    const was = pointers.delete(event.pointerId);
    if (!pointers.size) canvas.classList.remove("held");
    if (!was || kind === "pointercancel" || travelled > 5) return;
    const row = wordAt(event.offsetX, event.offsetY);
    if (row >= 0) choose(row, false);
  });
}
canvas.addEventListener("pointerleave", () => setHover(-1));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), event.offsetX, event.offsetY);
}, { passive: false });
canvas.addEventListener("dblclick", (event) => zoomBy(2, event.offsetX, event.offsetY));
canvas.addEventListener("keydown", (event) => {
  const far = 60, does = {
    ArrowLeft: () => panBy(far, 0), ArrowRight: () => panBy(-far, 0), ArrowUp: () => panBy(0, far), ArrowDown: () => panBy(0, -far),
    "+": () => zoomBy(1.4), "=": () => zoomBy(1.4), "-": () => zoomBy(1 / 1.4), 0: showAll,
    Enter: () => { const row = wordAt(size.width / 2, size.height / 2, Infinity); if (row >= 0) choose(row); },
  }[event.key];
  if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  does();
});

function setHover(row) {
  const box = document.getElementById("hover");
  canvas.classList.toggle("over", row >= 0);
  box.hidden = row < 0;
  if (row < 0) return;
  box.firstChild.textContent = words[row];
  const x = Math.min(toX(row) + 12, size.width - box.offsetWidth - 4), y = Math.max(4, toY(row) - 34);
  box.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}
