// The page: the pad, its two tabs, and the probabilities of the digit that is drawn.
import { picture, side } from "./centre.js";
import { Network } from "./network.js";
import { Pad } from "./strokes.js";
import { setUpTeaching } from "./teach.js";

const element = (id) => document.getElementById(id);

/** Paints pixels white on black, as the network gets them. */
function paint(canvas, pixels) {
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  pixels.forEach((value, at) => image.data.fill(255 * value, 4 * at, 4 * at + 3));
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
  context.putImageData(image, 0, 0);
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement("li");
  row.innerHTML = `<span>${digit}</span><span class="bar"><i></i></span><output></output>`;
  element("bars").append(row);
  return { row, bar: row.querySelector("i"), number: row.querySelector("output") };
});

function describe(probabilities) {
  const [first, second] = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  return probabilities[first] >= 0.8 ? `This is a ${first}.` : `This may be a ${first}, or a ${second}.`;
}

function show(probabilities) {
  const highest = Math.max(...probabilities);
  bars.forEach(({ row, bar, number }, digit) => {
    const p = probabilities[digit];
    row.className = p === highest && p > 0 ? "first" : "";
    bar.style.width = `${100 * p}%`;
    number.textContent = `${(100 * p).toFixed(1)} %`;
  });
}

function say(text) {
  if (element("result").textContent !== text) element("result").textContent = text;  // so that it is read out once
}

// Reads the newest drawing, and again if it has changed meanwhile.
let network, reading = false, changed = false;
async function read() {
  paint(element("seen"), picture(pad.strokes));
  if (!network) return;
  element("bars").ariaBusy = "true";
  changed = true;
  if (reading) return;
  reading = true;
  while (changed) {
    changed = false;
    const blank = pad.strokes.length === 0;
    const probabilities = blank ? new Float32Array(10) : await network.read(picture(pad.strokes));
    show(probabilities);
    say(blank ? "The pad is empty." : describe(probabilities));
  }
  reading = false;
  element("bars").ariaBusy = "false";
}

const pad = new Pad(element("pad"), read, (text) => { element("pen").textContent = text; });
element("clear").addEventListener("click", () => pad.clear());

const tabs = [element("tab-read"), element("tab-teach")];
function choose(chosen) {
  for (const tab of tabs) {
    tab.ariaSelected = String(tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    element(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
}
tabs.forEach((tab, i) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs[1 - i];
    choose(other);
    other.focus();
  });
});

try {
  network = await Network.load();
  setUpTeaching({ network, pad, paint, weightsChanged: read });
  await read();
} catch (error) {
  say(`The network cannot be loaded: ${error.message}`);
  throw error;
}
