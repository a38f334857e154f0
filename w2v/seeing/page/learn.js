const byId = (id) => document.getElementById(id);
const lesson = JSON.parse(byId("data-lesson").textContent);
const { words, steps } = lesson;
const cbow = lesson.model === "cbow", nodes = lesson.loss === "hs";
const STAGES = ["window", "samples", "dot products", "sigmoid", "error", "update"];
const SHOWN_ROWS = 40;

// A frame is a stage of a step; the first one is the beginning, the last one the end.
const last = steps.length * STAGES.length + 1;
const epochs = [...new Set(steps.map((step) => step.epoch))];
const firstOf = new Map();
steps.forEach((step, i) => { if (!firstOf.has(step.epoch)) firstOf.set(step.epoch, i); });
let frame = 0, timer = 0;

const stepAt = (f) => Math.min(steps.length - 1, Math.floor((f - 1) / STAGES.length));
const stageAt = (f) => (f - 1) % STAGES.length;
const outputName = (row) => (nodes ? `node ${row}` : words[row]);
const meanName = (step) => `mean of ${step.inputs.map((w) => words[w]).join(", ")}`;
const list = (names) => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;

/** Both matrices as they are at a frame: those of the epoch's beginning, with the recorded rows of the steps since. */
function matricesAt(f) {
  if (f === 0) return lesson.begins[epochs[0]];
  if (f === last) return lesson.begins[lesson.epochs + 1];
  const here = stepAt(f), epoch = steps[here].epoch;
  const both = lesson.begins[epoch].map((matrix) => matrix.map((row) => row));
  const until = stageAt(f) === STAGES.length - 1 ? here : here - 1;
  for (let i = firstOf.get(epoch); i <= until; i++)
    steps[i].changed.forEach((rows, side) => { for (const row in rows) both[side][row] = rows[row]; });
  return both;
}

function colour(share) {
  const end = share < 0 ? [33, 102, 172] : [178, 24, 43], part = Math.min(1, Math.abs(share)) ** 0.8;
  return `rgb(${end.map((high) => Math.round(247 + (high - 247) * part)).join(",")})`;
}

function make(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function drawMatrix(id, matrix, name, used, changed) {
  const body = byId(id).tBodies[0];
  let rows = matrix.map((_, i) => i);
  if (rows.length > SHOWN_ROWS) {
    const wanted = new Set([...used, ...rows].slice(0, SHOWN_ROWS));
    rows = rows.filter((i) => wanted.has(i));
  }
  const largest = Math.max(1e-9, ...matrix.flat().map(Math.abs));
  const lines = rows.map((i) => {
    const line = make("tr", undefined, `${used.has(i) ? "used" : ""} ${changed.has(i) ? "changed" : ""}`);
    const head = make("th");
    head.scope = "row";
    head.append(make("bdi", name(i)));
    line.append(head);
    for (const value of matrix[i]) {
      const cell = make("td");
      cell.style.background = colour(value / largest);
      cell.title = value.toFixed(4);
      line.append(cell);
    }
    return line;
  });
  if (rows.length < matrix.length) {
    const more = make("tr"), cell = make("td", `and ${matrix.length - rows.length} more rows`);
    cell.colSpan = matrix[0].length + 1;
    more.append(cell);
    lines.push(more);
  }
  body.replaceChildren(...lines);
}

function caption(step, stage) {
  const centre = words[step.sentence[step.kept[step.place]]], around = step.inputs.map((w) => words[w]);
  const positive = step.samples.filter((s) => s[2] === 1), negative = step.samples.filter((s) => s[2] === 0);
  const [given, output, , dot, sigmoid, error] = step.samples[0];
  const input = given < 0 ? meanName(step) : words[given];
  if (stage === 0) return `The window moves to “${centre}”. Its contexts are ${list(around)}. (Each centre draws its own window, of 1 to ${lesson.window} words to each side.)`;
  if (stage === 1) {
    if (nodes) return `The way to “${centre}” in the Huffman tree passes ${new Set(step.samples.map((s) => s[1])).size} nodes. At each of them the model has to say which branch to take.`;
    const drawn = [...new Set(negative.map((s) => words[s[1]]))];
    return `“${centre}” really occurred here: label 1. ${drawn.length ? `${list(drawn)} ${drawn.length > 1 ? "were" : "was"} drawn at random: label 0.` : "No other word was drawn."} ${positive.length} positive and ${negative.length} negative samples.`;
  }
  if (stage === 2) return `Each sample is the dot product of an embedding row and a row of the context matrix. For ${input} and ${outputName(output)} it is ${dot.toFixed(4)}.`;
  if (stage === 3) return `The sigmoid turns it into a probability: ${sigmoid.toFixed(4)}. That is what the model takes the chance to be that ${outputName(output)} belongs here.`;
  if (stage === 4) return `The error is the label minus the sigmoid: ${error.toFixed(4)} for the first sample. A positive one pulls the two rows together, a negative one pushes them apart.`;
  return `Each row moves by error × learning rate (${step.lr}) × the row on the other side. The rows marked ● have changed.`;
}

function drawSentence(step) {
  const centre = step.kept[step.place], kept = new Set(step.kept);
  const window = new Set(step.kept.slice(step.first, step.last + 1));
  byId("sentence").replaceChildren(...step.sentence.flatMap((word, place) => [
    make("bdi", words[word], place === centre ? "centre" : window.has(place) ? "context" : kept.has(place) ? "" : "dropped"), " ",
  ]));
}

function drawSamples(step, stage) {
  const rows = step.samples.map(([given, output, label, ...numbers]) => {
    const line = make("tr", undefined, label ? "positive" : "");
    const cells = [given < 0 ? meanName(step) : words[given], outputName(output), label];
    cells.forEach((text, i) => line.append(make("td", text, i > 0 && stage < 1 ? "later" : "")));
    numbers.forEach((number, i) => line.append(make("td", number.toFixed(4), stage < i + 2 ? "later" : "")));
    return line;
  });
  byId("samples").tBodies[0].replaceChildren(...(stage < 1 ? [] : rows));
}

const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** The last of the epochs on the map that has ended. */
function mappedBefore(epoch) {
  let found = 0;
  lesson.mapped.forEach((ended, i) => { if (ended < epoch) found = i; });
  return found;
}

function drawMap(epoch, centre) {
  const until = mappedBefore(epoch), places = lesson.places[until], parts = [];
  const count = Math.min(words.length, 80);
  for (let w = 0; w < count; w++) {
    const trail = lesson.places.slice(Math.max(0, until - 60), until + 1).map((all) => `${all[w][0]} ${-all[w][1]}`);
    if (trail.length > 1) parts.push(shape("path", { d: `M${trail.join("L")}` }));
  }
  for (let w = 0; w < count; w++) {
    const [x, y] = places[w];
    parts.push(shape("circle", { cx: x, cy: -y, r: 0.018, class: w === centre ? "centre" : "" }));
    parts.push(shape("text", { x: x + (x > 0.8 ? -0.03 : 0.03), y: -y + 0.025, "text-anchor": x > 0.8 ? "end" : "start" }, words[w]));
  }
  byId("places").replaceChildren(...parts);
}

function drawCurve(epoch) {
  const high = Math.max(...lesson.losses), low = Math.min(0, ...lesson.losses), count = lesson.losses.length;
  const x = (i) => (count < 2 ? 0 : (300 * i) / (count - 1)), y = (loss) => 86 - (82 * (loss - low)) / (high - low || 1);
  const path = lesson.losses.map((loss, i) => `${x(i).toFixed(1)} ${y(loss).toFixed(1)}`).join("L");
  const here = x(Math.min(count - 1, Math.max(0, epoch - 1)));
  byId("curve").replaceChildren(shape("path", { d: `M${path}` }), shape("line", { x1: here, x2: here, y1: 0, y2: 90 }));
  byId("loss-note").textContent = `Mean loss per sample: ${lesson.losses[0].toFixed(3)} in the first epoch, ${lesson.losses[count - 1].toFixed(3)} in the last.`;
}

function draw() {
  const inside = frame > 0 && frame < last, step = inside ? steps[stepAt(frame)] : null, stage = inside ? stageAt(frame) : -1;
  const epoch = frame === 0 ? 0 : frame === last ? lesson.epochs + 1 : step.epoch;
  [...byId("stages").children].forEach((item, i) => { if (i === stage) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current"); });
  const centre = step ? step.sentence[step.kept[step.place]] : -1;
  byId("now").classList.toggle("still", !step);
  if (step) {
    drawSentence(step);
    drawSamples(step, stage);
    byId("caption").textContent = caption(step, stage);
  } else {
    byId("sentence").replaceChildren();
    byId("samples").tBodies[0].replaceChildren();
    byId("caption").textContent = frame === 0
      ? `A vocabulary of ${words.length} words. Each has a row of ${lesson.dim} random numbers in the embedding matrix; the context matrix begins with zeros. Press play, or go step by step.`
      : `The training has ended, after ${lesson.epochs} epochs. The embedding matrix holds the vectors; the context matrix is usually thrown away.`;
  }
  const [inputs, outputs] = matricesAt(frame);
  const changed = stage === STAGES.length - 1;
  const used = [new Set(step ? step.inputs : []), new Set(step && stage > 0 ? step.samples.map((s) => s[1]) : [])];
  const moved = step && changed ? step.changed.map((rows) => new Set(Object.keys(rows).map(Number))) : [new Set(), new Set()];
  drawMatrix("inputs", inputs, (i) => words[i], used[0], moved[0]);
  drawMatrix("outputs", outputs, outputName, used[1], moved[1]);
  drawMap(epoch, centre);
  drawCurve(epoch);
  byId("epoch").value = frame === last ? epochs.length : epochs.indexOf(epoch);
  byId("epoch-shown").textContent = frame === last ? "end" : `${epoch || 1} of ${lesson.epochs}`;
  history.replaceState(null, "", `#${frame}`);
}

function go(to) {
  frame = Math.max(0, Math.min(last, to));
  if (frame === last) pause();
  draw();
}
const startOfStep = (i) => 1 + i * STAGES.length;
const nextCentre = () => go(frame === 0 ? 1 : startOfStep(stepAt(frame) + 1) > last - 1 ? last : startOfStep(stepAt(frame) + 1));
function toEpoch(index) {
  go(index >= epochs.length ? last : startOfStep(firstOf.get(epochs[Math.max(0, index)])));
}
const epochIndex = () => (frame === 0 ? -1 : frame === last ? epochs.length : epochs.indexOf(steps[stepAt(frame)].epoch));

function pause() {
  clearTimeout(timer);
  timer = 0;
  byId("play").textContent = "▶";
  byId("play").setAttribute("aria-label", "Play");
}
function tick() {
  const speed = Number(byId("speed").value);
  if (speed >= 40) toEpoch(epochIndex() + 1);
  else if (speed >= 10) nextCentre();
  else go(frame + 1);
  if (frame < last) timer = setTimeout(tick, speed >= 40 ? 120 : speed >= 10 ? 160 : 1400 / speed);
}
function play() {
  if (timer) return pause();
  if (frame === last) frame = 0;
  byId("play").textContent = "⏸";
  byId("play").setAttribute("aria-label", "Pause");
  timer = setTimeout(tick, 60);
}

const by = { first: () => { pause(); go(0); }, back: () => { pause(); go(frame - 1); }, play, forward: () => { pause(); go(frame + 1); },
  "next-centre": () => { pause(); nextCentre(); }, "next-epoch": () => { pause(); toEpoch(epochIndex() + 1); } };
for (const id in by) byId(id).addEventListener("click", by[id]);
byId("epoch").max = epochs.length;
byId("epoch").addEventListener("input", (event) => { pause(); toEpoch(Number(event.target.value)); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  const on = { ArrowRight: by.forward, ArrowLeft: by.back, n: by["next-centre"], e: by["next-epoch"], Home: by.first }[event.key]
    || (event.key === " " && !event.target.matches("button") ? play : null);
  if (!on) return;
  event.preventDefault();
  on();
});
byId("theme").addEventListener("click", () => document.documentElement.classList.toggle("dark"));
if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");

byId("title").textContent = document.title.replace(/ · w2v learn$/, "");
byId("size").textContent = `${words.length} words, ${lesson.dim} numbers each, ${lesson.epochs} epochs`;
byId("stages").append(...STAGES.map((name) => make("li", name)));
["inputs", "outputs"].forEach((id) => byId(id).classList.add("matrix"));
byId("outputs-title").textContent = nodes ? "Nodes of the tree" : "Context matrix";
byId("outputs-note").textContent = nodes ? "One row per inner node of the Huffman tree." : "One row per word, too: as an output.";
go(Number(location.hash.slice(1)) || 0);
