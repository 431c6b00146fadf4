// The page: a button for the camera, the oval, and the probabilities of the face in it.
import { Smoother, Speaker, classes, describe } from "./answer.js";
import { Camera, NoCamera } from "./camera.js";
import { greyOf, networkInput, nothing, oval, side, square } from "./face.js";
import { Network } from "./network.js";

const element = (id) => document.getElementById(id);
const video = element("video"), toggle = element("toggle");
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const between = () => stillness.matches ? 500 : 60;  // ms between two answers at least

function drawOval() {
  const rx = 50 * oval.width, ry = 50 * oval.height;
  for (const [name, value] of Object.entries({ cx: 50, cy: 50, rx, ry })) element("oval").setAttribute(name, value);
  const half = `a${rx} ${ry} 0 1 0`;
  element("outside").setAttribute("d", `M0 0H100V100H0Z M${50 - rx} 50${half} ${2 * rx} 0${half} ${-2 * rx} 0Z`);
}

const bars = classes.map((name) => {
  const row = document.createElement("li");
  row.innerHTML = `<span>${name}</span><span class="bar" aria-hidden="true"><i></i></span><span class="number"></span>`;
  element("bars").append(row);
  return { row, bar: row.querySelector("i"), number: row.querySelector(".number") };
});

/** Shows probabilities, or none. */
function show(probabilities, first = -1) {
  bars.forEach(({ row, bar, number }, i) => {
    row.className = i === first ? "first" : "";
    bar.style.width = probabilities ? `${100 * probabilities[i]}%` : "0";
    number.textContent = probabilities ? `${(100 * probabilities[i]).toFixed(1)} %` : "";
  });
}

/** Paints what the network sees. */
function paint(input) {
  const context = element("seen").getContext("2d"), image = context.createImageData(side, side);
  input.forEach((value, at) => image.data.fill(127.5 * (value + 1), 4 * at, 4 * at + 3));
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
  context.putImageData(image, 0, 0);
}

// State: loading, off, asking, on, paused (the page is hidden), or failed (no network).
let state = "loading";
function enter(next, text) {
  state = document.body.dataset.state = next;
  element("status").textContent = text;
  toggle.textContent = ["asking", "on", "paused"].includes(next) ? "Stop the camera" : "Start the camera";
  toggle.disabled = next === "loading" || next === "failed";
}
const watching = "The camera is on. Its pictures stay on this machine.";

const smoother = new Smoother(), speaker = new Speaker();
function answer(label, text, time, probabilities = null, first = -1) {
  show(probabilities, first);
  element("label").textContent = text;
  element("said").textContent = speaker.hear(label, text, time) ?? element("said").textContent;
}

function forget() {
  smoother.forget();
  speaker.forget();
  show(null);
  element("label").textContent = "No label yet.";
  element("said").textContent = "";
}

const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
let network;
async function read(time, current) {
  const { left, top, size } = square(video.videoWidth, video.videoHeight);
  if (size < side) return;  // the camera has not begun
  if (canvas.width !== size) canvas.width = canvas.height = size;
  context.drawImage(video, left, top, size, size, 0, 0, size, size);
  const input = networkInput(greyOf(context.getImageData(0, 0, size, size).data), size);
  paint(input);
  if (nothing(input)) {
    smoother.forget();
    answer(-1, "There is nothing to see in the oval.", time);
    return;
  }
  const probabilities = await network.read(input);
  if (!current()) return;  // the camera has been stopped meanwhile
  const smooth = smoother.add(probabilities, time);
  const { first, text } = describe(smooth);
  answer(first, text, time, smooth, first);
}

// One loop runs at a time: a new one ends the one before, which may still wait for the network.
let loop = 0, busy = false;
function watch() {
  const mine = ++loop, current = () => mine === loop && state === "on";
  let last = -Infinity;
  const next = () => video.requestVideoFrameCallback ? video.requestVideoFrameCallback(look)
                                                     : requestAnimationFrame(look);
  async function look() {
    if (!current()) return;
    const time = performance.now();
    if (!busy && time - last >= between()) {
      last = time;
      busy = true;
      try {
        await read(time, current);
      } catch (error) {
        stop();
        enter("off", `The network has failed: ${error.message}`);
        throw error;
      } finally {
        busy = false;
      }
    }
    next();
  }
  next();
}

const camera = new Camera(video, {
  ended(message) {
    enter("off", message);
    forget();
  },
  muted(muted) {
    if (state === "on")
      element("status").textContent = muted ? "The camera gives no pictures at the moment." : watching;
  },
});

function resume() {
  if (document.hidden) {
    camera.rest(true);
    enter("paused", "Paused while this page is hidden.");
  } else {
    if (state === "paused") camera.rest(false);
    enter("on", watching);
    watch();
  }
}

async function start() {
  enter("asking", "Waiting for the camera: the browser may ask for permission.");
  try {
    if (await camera.start()) resume();
  } catch (error) {
    enter("off", error.message);
    if (!(error instanceof NoCamera)) throw error;
  }
}

function stop() {
  camera.stop();
  enter("off", "The camera is off.");
  forget();
}

toggle.addEventListener("click", () => state === "off" ? start() : stop());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && ["asking", "on", "paused"].includes(state)) stop();
});
document.addEventListener("visibilitychange", () => {
  if (state === "on" || state === "paused") resume();
});
addEventListener("pagehide", () => {
  if (state !== "loading" && state !== "failed") stop();
});

/**
 * Forbids this page to load or to connect to anything from now on (files, fetch, WebSocket): all it needs is here. The
 * policy covers neither WebRTC nor navigation, which the page does not use.
 */
function seal() {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "default-src 'none'; form-action 'none'; base-uri 'none'";
  document.head.append(policy);
}

drawOval();
try {
  network = await Network.load();
  seal();
  enter("off", "The camera is off. Start it, and the browser asks for permission.");
} catch (error) {
  enter("failed", `The network cannot be loaded: ${error.message}`);
  throw error;
}
