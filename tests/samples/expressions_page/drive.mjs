// Uses the page of samples/24_expressions_live as a visitor does, with clips instead of a camera:
//   node drive.mjs CHROMIUM ADDRESS FOLDER ASTRONAUT.PNG EXPRESSIONS_ANSWERS
//
// EXPRESSIONS_ANSWERS is the program of answers.cpp. Prints a line for each check, and writes screenshots to FOLDER.
// Exit status: 0 all checks hold, 1 some do not.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Smoother, Speaker } from "../../../samples/24_expressions_live/page/answer.js";
import { networkInput, side, square } from "../../../samples/24_expressions_live/page/face.js";
import { Browser } from "../browser.mjs";
import { height, makeClip, shown, width } from "./clip.mjs";

const [program, address, folder, astronaut, answers] = process.argv.slice(2);
const fakeUi = "--use-fake-ui-for-media-stream", fakeDevice = "--use-fake-device-for-media-stream";
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let failed = 0;
function check(holds, what) {
  console.log(`${holds ? "ok" : "FAILED"}: ${what}`);
  if (!holds) ++failed;
}

let browser;
const text = (id) => browser.value(`document.getElementById("${id}").textContent`);
const click = (id) => browser.value(`document.getElementById("${id}").click()`);
const reached = (state) => browser.until(`document.body?.dataset.state === "${state}"`);
const state = () => browser.value("document.body.dataset.state");

async function open(...options) {
  browser = await Browser.open(program, options);
  await view(860, 700);
}

async function load(url = address, expected = "off") {
  await browser.send("Page.navigate", { url });
  await browser.until(`location.href === "${url}"`);
  await reached(expected);
}

async function view(width, height, { mobile = false, scheme = "light", still = false } = {}) {
  await browser.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  await browser.send("Emulation.setEmulatedMedia", { features: [
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: still ? "reduce" : "no-preference" }] });
}

const { file, pictures } = makeClip(astronaut, folder);
const { left, top, size } = square(width, height);
// The pictures of the clip as the page shows what the network sees; every eighth value of every eighth row.
const thin = (values) => values.filter((_, i) => i % 8 === 4 && Math.floor(i / side) % 8 === 4);
const seen = pictures.map((pixels) => {
  const crop = Uint8Array.from({ length: size * size },
                               (_, i) => pixels[(top + Math.floor(i / size)) * width + left + i % size]);
  return thin([...networkInput(crop, size)].map((value) => 127.5 * (value + 1)));
});
function pictureIn(values) {
  const distances = seen.map((each) => each.reduce((sum, value, i) => sum + Math.abs(value - values[i]), 0));
  return distances.indexOf(Math.min(...distances));
}
// What the network sees, 0 to 255.
const seenNow = () => browser.value(`[...document.getElementById("seen").getContext("2d")
  .getImageData(0, 0, ${side}, ${side}).data].filter((_, i) => i % 4 === 0)`);

async function showing(name) {
  for (const end = Date.now() + 30_000; Date.now() < end; await wait(50))
    if (shown[pictureIn(thin(await seenNow()))].name === name) return;
  throw new Error(`the page does not show the ${name} within 30 s`);
}

// Waits until the clip shows a picture from its beginning.
async function begins(name) {
  await showing(shown.at(shown.findIndex((each) => each.name === name) - 1).name);
  await showing(name);
}

function checkAnswers() {
  const rest = (step) => {  // of the first answer, 300 ms after the second, at an answer every `step` ms
    const smoother = new Smoother();
    smoother.add([1, 0], 0);
    let last;
    for (let time = step; time <= 300; time += step) last = smoother.add([0, 1], time);
    return last;
  };
  const rests = [10, 50, 150].map(rest);
  check(rests.every(([a, b]) => Math.abs(a - Math.exp(-1)) < 1e-12 && Math.abs(a + b - 1) < 1e-12),
        "smoothing is the same at every rate of answers");
  const speaker = new Speaker(), heard = [];
  // Labels that change every 300 ms, then one that stays from 3 to 6 s, and one from there on.
  for (let time = 0; time < 12_000; time += 100) {
    const label = time < 3000 ? time % 600 < 300 ? 1 : 2 : time < 6000 ? 3 : 4;
    const said = speaker.hear(label, `label ${label}`, time);
    if (said) heard.push(`${said} at ${time} ms`);
  }
  check(heard.join() === "label 3 at 4000 ms,label 4 at 8000 ms", `read out: ${heard.join(", ")}`);
}

// Starts the camera, in vain: the page must give the reason, and offer to start again.
async function refused(when, reason) {
  await click("toggle");
  await browser.until(`document.getElementById("status").textContent.includes("${reason}")`);
  check(await state() === "off" && await text("toggle") === "Start the camera", `${when}: ${await text("status")}`);
}

async function testWithoutCamera() {
  await open(fakeUi, "--host-resolver-rules=MAP camera.test 127.0.0.1");
  await load();
  await refused("without a camera", "There is no camera");
  await load(address.replace("127.0.0.1", "camera.test"));
  await refused("on a page that is not secure", "https");
  await browser.send("Network.setBlockedURLs", { urls: ["*.onnx"] });
  await load(`${address}?blocked`, "failed");
  check(await browser.value(`document.getElementById("toggle").disabled`),
        `without a network: ${await text("status")}`);
  await browser.close();
}

async function testDenied() {
  await open(fakeDevice, `--use-file-for-fake-video-capture=${file}`);
  const permit = (setting) => browser.send("Browser.setPermission", {
    permission: { name: "camera" }, setting, origin: new URL(address).origin });
  await permit("denied");
  await load();
  await refused("with the permission denied", "may not use the camera");
  await permit("granted");
  await click("toggle");
  await reached("on");
  await permit("denied");
  await browser.until(`document.getElementById("status").textContent.includes("has gone")`);
  check(await state() === "off" && await browser.value("document.getElementById('video').srcObject === null"),
        `with the camera gone: ${await text("status")}`);
  check(browser.complaints.length === 0, `no errors are reported ${browser.complaints.join("\n")}`);
  await browser.close();
}

// What the page shows every 50 ms for some seconds.
const watch = (seconds) => browser.value(`new Promise((resolve) => {
  const samples = [], element = (id) => document.getElementById(id);
  const timer = setInterval(() => {
    const { data } = element("seen").getContext("2d").getImageData(0, 0, ${side}, ${side});
    const values = [];
    for (let row = 4; row < ${side}; row += 8)
      for (let column = 4; column < ${side}; column += 8) values.push(data[4 * (row * ${side} + column)]);
    samples.push({ time: performance.now(), values, label: element("label").textContent,
                   said: element("said").textContent, status: element("status").textContent });
    if (samples.at(-1).time - samples[0].time < ${1000 * seconds}) return;
    clearInterval(timer);
    resolve(samples);
  }, 50);
})`);

async function testFollowing() {
  const samples = await watch(16);
  const runs = [];
  let right = 0, judged = 0;
  for (const { time, values, label } of samples) {
    const picture = pictureIn(values);
    if (runs.at(-1)?.picture !== picture) runs.push({ picture, begin: time });
    runs.at(-1).end = time;
    if (time - runs.at(-1).begin < 1000) continue;
    ++judged;
    const expected = shown[picture].label ? `label is ${shown[picture].label}.` : "nothing to see in the oval.";
    if (label.endsWith(expected)) ++right;
  }
  const whole = runs.slice(1, -1);
  const seconds = whole.map(({ begin }, i) => (runs[i + 2].begin - begin) / 1000);
  check(whole.length >= 3 && whole.every(({ picture }, i) => Math.abs(seconds[i] - shown[picture].seconds) < 0.8),
        `the clip's pictures are seen for ${seconds.map((each) => each.toFixed(1)).join(", ")} s`);
  check(judged >= 100 && right >= 0.95 * judged,
        `the label follows the clip: ${(100 * right / judged).toFixed(1)} % of ${judged} samples, ` +
        "from 1 s after a change");
  const changes = (key) => samples.filter((sample, i) => i > 0 && sample[key] !== samples[i - 1][key]).length;
  check(changes("said") >= 1 && changes("said") <= 5 && changes("status") === 0,
        `${changes("said")} labels are read out in 16 s, and no other text`);
}

// Waits until the numbers for a picture of the clip have settled; returns them with the square as a PNG file.
async function capture(name) {
  await begins(name);
  await wait(3000);
  const found = await browser.value(`(() => {
    const canvas = document.createElement("canvas"), numbers = [...document.querySelectorAll("#bars .number")];
    canvas.width = canvas.height = ${size};
    canvas.getContext("2d").drawImage(document.getElementById("video"), ${-left}, ${-top});
    return { png: canvas.toDataURL("image/png"), numbers: numbers.map(({ textContent }) => parseFloat(textContent)) };
  })()`);
  return { name, ...found };
}

// The answers of the C++ code for squares as PNG files: the network's inputs, and probabilities.
function reference(crops) {
  const files = crops.map(({ name, png }) => {
    writeFileSync(join(folder, `${name}.png`), Buffer.from(png.split(",")[1], "base64"));
    return join(folder, `${name}.png`);
  });
  return JSON.parse(execFileSync(answers, files, { maxBuffer: 1 << 26 }));
}
const furthest = (a, b) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

async function testNumbers() {
  const crops = [];
  for (const { name, label } of shown.filter(({ label }) => label)) {
    crops.push(await capture(name));
    await shoot(label);
    await view(860, 700, { scheme: "dark" });
    await shoot(`${label}-dark`);
    await view(860, 700);
  }
  const expected = reference(crops);
  crops.forEach(({ name, numbers }, i) => {
    const apart = furthest(numbers.map((number) => number / 100), expected[i].probabilities);
    check(numbers.length === 7 && apart <= 0.001,
          `${name}: the bars are those of the C++ code, to ${apart.toFixed(5)}: ${numbers.join(" ")}`);
  });
  return crops;
}

// Runs after the page is left: its modules, without a camera, on squares of several sizes.
async function testModules(crops) {
  await browser.send("Page.navigate", { url: `${address}face.js` });
  await browser.until(`location.pathname === "/face.js"`);
  const noise = await browser.value(`[50, 64, 97, 200].map((size) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d"), image = context.createImageData(size, size);
    let state = size;
    image.data.forEach((_, i) => {
      state = Math.imul(1103515245, state) + 12345 | 0;
      image.data[i] = i % 4 === 3 ? 255 : state >> 16 & 255;
    });
    context.putImageData(image, 0, 0);
    return { name: "noise" + size, png: canvas.toDataURL("image/png") };
  })`);
  const all = [...crops, ...noise], expected = reference(all);
  const found = await browser.value(`(async () => {
    const [{ greyOf, networkInput }, { Network }] = await Promise.all([import("/face.js"), import("/network.js")]);
    const network = await Network.load();
    const all = [];
    for (const url of ${JSON.stringify(all.map(({ png }) => png))}) {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = document.createElement("canvas"), size = canvas.width = canvas.height = image.width;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const once = async () => {
        context.drawImage(image, 0, 0);
        const input = networkInput(greyOf(context.getImageData(0, 0, size, size).data), size);
        return { input: [...input], probabilities: [...await network.read(input)] };
      };
      const times = [];
      let answer;
      for (let i = 0; i < 5; ++i) {
        const begin = performance.now();
        answer = await once();
        times.push(performance.now() - begin);
      }
      all.push({ ...answer, ms: Math.min(...times) });
    }
    return all;
  })()`);
  for (const [key, tolerance, what] of [["input", 1e-6, "inputs"], ["probabilities", 1e-5, "probabilities"]]) {
    const apart = Math.max(...found.map((each, i) => furthest(each[key], expected[i][key])));
    check(found.length === all.length && apart <= tolerance,
          `${what} of ${all.length} squares equal those of the C++ code, to ${apart.toExponential(1)}`);
  }
  console.log(`an answer takes ${found[0].ms.toFixed(1)} ms`);
}

async function shoot(name) {
  await browser.value("Promise.all(document.getAnimations().map((bar) => bar.finished.catch(() => {})))");
  await browser.screenshot(join(folder, `${name}.png`));
}

async function testStates() {
  const track = `document.getElementById("video").srcObject?.getVideoTracks()[0]`;
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });  // hides the page
  await reached("paused");
  const before = await seenNow(), labelBefore = await text("label");
  await wait(shown[0].seconds * 1000);  // at the end of which the clip shows another picture
  check(!await browser.value(`${track}.enabled`) && furthest(before, await seenNow()) === 0,
        `hidden: ${await text("status")}`);
  await browser.send("Target.closeTarget", { targetId });
  await browser.send("Page.bringToFront");
  await reached("on");
  await browser.until(`document.getElementById("label").textContent !== ${JSON.stringify(labelBefore)}`);
  check(await browser.value(`${track}.enabled`), `shown again: ${await text("status")}`);

  await browser.value(`window.used = ${track}`);
  await browser.press("Escape");
  await reached("off");
  check(await browser.value(`used.readyState === "ended" && document.activeElement.id === "toggle"`) &&
        await !/%/.test(await text("bars")), `Escape gives the camera back: ${await text("status")}`);
  await browser.value(`document.getElementById("toggle").click(), document.getElementById("toggle").click()`);
  await wait(1000);
  check(await state() === "off" && await browser.value(`${track} === undefined`),
        "stopped before the camera has come, it stays off");
}

async function testLayout() {
  await view(390, 844, { mobile: true });
  await shoot("phone");
  check(await browser.value(`document.documentElement.scrollWidth <= innerWidth &&
    document.getElementById("toggle").getBoundingClientRect().bottom < innerHeight`),
        "fits on a phone, and its button is seen at once");
  await view(860, 700, { still: true });
  await begins("drawing");
  const { times, duration } = await browser.value(`new Promise((resolve) => {
    const bar = document.querySelector("#bars .bar i"), times = [];
    new MutationObserver(() => times.push(performance.now())).observe(bar, { attributes: true });
    setTimeout(() => resolve({ times, duration: getComputedStyle(bar).transitionDuration }), 3000);
  })`);
  const shortest = Math.min(...times.slice(1).map((time, i) => time - times[i]));
  check(times.length >= 3 && shortest > 400 && duration === "0s",
        `with reduced motion, the bars jump ${times.length} times in 3 s, ${shortest.toFixed(0)} ms apart or more`);
  await view(860, 700);
}

async function testSilence() {
  const { length } = browser.requested;
  const refusal = await browser.value(`fetch("page.css").then(() => "", (error) => error.message)`);
  const beacon = await browser.value(`new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(false);
    image.onerror = () => resolve(true);
    image.src = "page.css?picture";
  })`);
  check(refusal !== "" && beacon, `the page can neither fetch nor load anything: ${refusal}`);
  browser.complaints = browser.complaints.filter((complaint) => !complaint.includes("Content Security Policy"));
  browser.requested.splice(length);
}

async function testWithClip() {
  await open(fakeUi, fakeDevice, `--use-file-for-fake-video-capture=${file}`);
  await load();
  const foreign = browser.requested.filter((url) => !url.startsWith(address) && !/^(data|about):/.test(url));
  check(foreign.length === 0, `the page is loaded from its server alone ${foreign.join(" ")}`);
  const { length } = browser.requested;
  await browser.send("Network.emulateNetworkConditions",
                     { offline: true, latency: 0, downloadThroughput: 0, uploadThroughput: 0 });
  await browser.press("Tab");
  check(await browser.value("document.activeElement.id") === "toggle", "Tab reaches the button");
  await browser.press(" ", "Space");
  await reached("on");
  check(await text("toggle") === "Stop the camera", `space starts the camera: ${await text("status")}`);
  await testFollowing();
  const crops = await testNumbers();
  await testLayout();
  await testStates();
  const asked = browser.requested.slice(length);
  check(asked.length === 0, `while the camera was on, the page asked for nothing ${asked.join(" ")}`);
  await browser.send("Network.emulateNetworkConditions",
                     { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await testSilence();
  check(browser.complaints.length === 0, `the page reports no errors ${browser.complaints.join("\n")}`);
  await testModules(crops);
  await browser.close();
}

checkAnswers();
for (const test of [testWithoutCamera, testDenied, testWithClip]) {
  try {
    await test();
  } catch (error) {
    check(false, error.stack);
    await browser.close();
  }
}
process.exit(failed > 0 ? 1 : 0);
