// Words compared as rows of coloured cells: blue below zero, white at zero, red above.
const BLUE = [33, 102, 172], WHITE = [247, 247, 247], RED = [178, 24, 43];
const compared = [];
const rowList = document.getElementById("rows");
const sortBox = document.getElementById("sort");

function colourOf(share) {
  const end = share < 0 ? BLUE : RED, part = Math.min(1, Math.abs(share)) ** 0.8;
  return WHITE.map((from, i) => Math.round(from + (end[i] - from) * part));
}

// Columns as they are, or by the mean of the rows, so that what the words share is seen.
function columnOrder() {
  const order = Array.from({ length: about.dim }, (_, i) => i);
  if (!sortBox.checked) return order;
  const sums = order.map((i) => compared.reduce((sum, row) => sum + rowUnit(row)[i], 0));
  return order.sort((a, b) => sums[b] - sums[a]);
}

function cells(row, order, most) {
  const canvas = document.createElement("canvas");
  canvas.width = about.dim;
  canvas.height = 1;
  const brush = canvas.getContext("2d"), image = brush.createImageData(about.dim, 1), values = rowUnit(row);
  order.forEach((column, i) => image.data.set([...colourOf(values[column] / most), 255], 4 * i));
  brush.putImageData(image, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${words[row]}: ${about.dim} values`);
  return canvas;
}

function drawRows() {
  const order = columnOrder();
  const sizes = compared.flatMap((row) => Array.from(rowUnit(row), Math.abs)).sort((a, b) => a - b);
  const most = sizes[Math.floor(sizes.length * 0.98)] || 1; // one large value must not pale the others
  rowList.replaceChildren(...compared.map((row, place) => {
    const item = document.createElement("li"), line = document.createElement("div");
    const word = document.createElement("bdi"), note = document.createElement("small"), remove = document.createElement("button");
    word.textContent = words[row];
    note.textContent = place ? `cosine with the first ${cosine(rowUnit(compared[0]), rowUnit(row)).toFixed(3)}` : "";
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${words[row]}`);
    remove.addEventListener("click", () => compare(row));
    line.append(word, note, remove);
    item.append(line, cells(row, order, most));
    return item;
  }));
  document.getElementById("compare-note").hidden = compared.length > 0;
}

// Add a word, or take it out again.
function compare(row) {
  const place = compared.indexOf(row);
  if (place < 0) compared.push(row);
  else compared.splice(place, 1);
  say(`${words[row]} ${place < 0 ? "is compared" : "is no longer compared"}`);
  drawRows();
  showCompared();
  remember();
}
sortBox.addEventListener("change", () => { drawRows(); remember(); });
