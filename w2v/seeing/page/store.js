// What the page holds: words, unit vectors, maps; and the questions that can be asked of them.
const read = (name) => document.getElementById("data-" + name).textContent;
const about = JSON.parse(read("about"));
const words = JSON.parse(read("words"));

function bytesOf(name) {
  const text = atob(read(name));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Whole numbers of 8, 12 or 16 bits, in two's complement.
function unpack(bytes, bits, count) {
  if (bits === 8) return new Int8Array(bytes.buffer, 0, count);
  const view = new DataView(bytes.buffer);
  const values = new Int16Array(count);
  if (bits === 16) {
    for (let i = 0; i < count; i++) values[i] = view.getInt16(2 * i, true);
    return values;
  }
  for (let i = 0; i < count; i++) {
    const start = (i >> 1) * 3;
    const raw = i & 1 ? (bytes[start + 1] >> 4) | (bytes[start + 2] << 4) : bytes[start] | ((bytes[start + 1] & 15) << 8);
    values[i] = (raw << 20) >> 20;
  }
  return values;
}

function unitVectors() {
  const { count, dim, bits } = about;
  const whole = unpack(bytesOf("vectors"), bits, count * dim);
  const units = new Float32Array(count * dim);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let i = row * dim; i < (row + 1) * dim; i++) sum += whole[i] * whole[i];
    const share = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let i = row * dim; i < (row + 1) * dim; i++) units[i] = whole[i] * share;
  }
  return units;
}

const units = unitVectors();
const groups = bytesOf("groups");
const near = (() => {
  const bytes = bytesOf("near");
  return about.bytes === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
})();
const maps = new Map(about.maps.map(({ name }) => {
  const whole = new Uint16Array(bytesOf("map-" + name).buffer);
  return [name, Float32Array.from(whole, (value) => value / 32767.5 - 1)];
}));
const rowOf = new Map(words.map((word, row) => [word, row]));
const folded = words.map((word) => word.normalize("NFKC").toLowerCase());

const rowUnit = (row) => units.subarray(row * about.dim, (row + 1) * about.dim);

function cosine(a, b) {
  let sum = 0;
  for (let i = 0; i < about.dim; i++) sum += a[i] * b[i];
  return sum;
}

// The ten nearest words. Which they are was found with the vectors unrounded, so that near-ties come out as in
// `w2v similar`; their cosines are taken here.
function neighboursOf(row) {
  const rows = near.subarray(row * about.listed, (row + 1) * about.listed);
  return Array.from(rows, (other) => [other, cosine(rowUnit(row), rowUnit(other))]);
}

// The words nearest to the sum of some unit vectors less that of others, those words left out.
function nearest(plus, minus, count = 10) {
  const target = new Float64Array(about.dim);
  for (const row of plus) rowUnit(row).forEach((value, i) => { target[i] += value; });
  for (const row of minus) rowUnit(row).forEach((value, i) => { target[i] -= value; });
  const length = Math.sqrt(cosine(target, target)) || 1;
  const own = new Set([...plus, ...minus]);
  const best = [];
  for (let row = 0; row < about.count; row++) {
    const score = cosine(rowUnit(row), target) / length;
    if (best.length === count && score <= best[count - 1][1]) continue;
    if (own.has(row)) continue;
    let place = best.length;
    while (place > 0 && best[place - 1][1] < score) place--;
    best.splice(place, 0, [row, score]);
    if (best.length > count) best.pop();
  }
  return best;
}

// Words that begin with the text, then words that hold it; the more frequent first.
function search(text, count = 8) {
  const wanted = text.trim().normalize("NFKC").toLowerCase();
  if (!wanted) return [];
  const starts = [], holds = [];
  if (rowOf.has(text.trim())) starts.push(rowOf.get(text.trim()));
  for (let row = 0; row < folded.length && starts.length < count; row++) {
    const place = folded[row].indexOf(wanted);
    if (place === 0 && row !== starts[0]) starts.push(row);
    else if (place > 0 && holds.length < count) holds.push(row);
  }
  return [...starts, ...holds].slice(0, count);
}

function lookUp(text) {
  const word = text.trim();
  if (rowOf.has(word)) return rowOf.get(word);
  const wanted = word.normalize("NFKC").toLowerCase();
  return wanted ? folded.indexOf(wanted) : -1;
}

// `king - man + woman`: signs stand alone between spaces. Returns { plus, minus } of rows, or { missing }, or null.
function parse(text) {
  const fields = text.trim().split(/[ \t]+/);
  if (fields.length < 3) return null;
  const plus = [], minus = [];
  let sign = fields[0] === "+" || fields[0] === "-" ? "" : "+";
  for (const field of fields) {
    if (!sign && (field === "+" || field === "-")) { sign = field; continue; }
    if (!sign) return null;
    const row = lookUp(field);
    if (row < 0) return { missing: field };
    (sign === "+" ? plus : minus).push(row);
    sign = "";
  }
  return sign ? null : { plus, minus };
}
