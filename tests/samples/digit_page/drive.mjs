// Uses the page of samples/22_digit_page as a visitor does: node drive.mjs CHROMIUM ADDRESS FOLDER
//
// Prints a line for each check, and writes screenshots to FOLDER. Exit status: 0 all checks hold, 1 some do not.
import { join } from "node:path";
import { centreOfMass, picture, side } from "../../../samples/22_digit_page/page/centre.js";
import { Browser } from "../browser.mjs";
import { digits, unclear } from "./digits.mjs";

const [program, address, folder] = process.argv.slice(2);
let failed = 0;
function check(holds, what) {
  console.log(`${holds ? "ok" : "FAILED"}: ${what}`);
  if (!holds) ++failed;
}

function checkPictures() {
  const points = digits.map((strokes) => strokes.map((stroke) => stroke.map(([x, y]) => ({ x, y }))));
  const pictures = points.map(picture);
  const extents = pictures.map((pixels) => {
    const inked = [...pixels.keys()].filter((at) => pixels[at] >= 0.5);
    const extent = (places) => Math.max(...places) - Math.min(...places) + 1;
    return [extent(inked.map((at) => at % side)), extent(inked.map((at) => Math.floor(at / side)))];
  });
  const centres = pictures.map(centreOfMass);
  check(centres.every(({ x, y }) => Math.hypot(x - 14, y - 14) < 0.1),
        "pictures have their centre of mass in the middle");
  check(extents.every((extent) => Math.abs(Math.max(...extent) - 20) <= 1),
        `the longer side has 20 pixels: ${extents.map((extent) => extent.join("×")).join(" ")}`);
  const move = ({ x, y }) => ({ x: 0.1 + x / 3, y: 0.5 + y / 3 });
  const moved = points.map((strokes) => picture(strokes.map((stroke) => stroke.map(move))));
  check(moved.every((pixels, i) => pixels.every((value, at) => Math.abs(value - pictures[i][at]) < 1e-3)),
        "a drawing a third as large elsewhere has the same picture");
  check(extents[1][0] <= 5, "a 1 stays narrow");
  check(picture([]).every((value) => value === 0), "without strokes, a picture is blank");
}

const browser = await Browser.open(program);
const text = (id) => browser.value(`document.getElementById("${id}").textContent`);
const settled = () => browser.until(`document.getElementById("bars")?.ariaBusy === "false"`);
const click = (id) => browser.value(`document.getElementById("${id}").click()`);
const probabilities = () =>
  browser.value(`[...document.querySelectorAll("#bars output")].map((number) => parseFloat(number.textContent))`);
const place = () => browser.value(`(({ x, y, width }) => [x, y, width])(
  document.getElementById("pad").getBoundingClientRect())`);

async function drag(strokes) {
  const [left, top, size] = await place();
  const send = (type, [x, y]) => browser.send("Input.dispatchMouseEvent", {
    type, x: left + size * x, y: top + size * y, button: "left", buttons: type === "mouseReleased" ? 0 : 1,
    clickCount: 1 });
  for (const stroke of strokes) {
    await send("mousePressed", stroke[0]);
    for (const point of stroke.slice(1)) await send("mouseMoved", point);
    await send("mouseReleased", stroke.at(-1));
  }
}

async function touch(strokes) {
  const [left, top, size] = await place();
  const send = (type, points) => browser.send("Input.dispatchTouchEvent", {
    type, touchPoints: points.map(([x, y]) => ({ x: left + size * x, y: top + size * y })) });
  for (const stroke of strokes) {
    await send("touchStart", [stroke[0]]);
    for (const point of stroke.slice(1)) await send("touchMove", [point]);
    await send("touchEnd", []);
  }
}

// The digit to which the page gives the highest probability, after a drawing by `draw`.
async function readAfter(draw, strokes) {
  await click("clear");
  await draw(strokes);
  await settled();
  const found = await probabilities();
  return found.indexOf(Math.max(...found));
}

async function readAll() {
  const read = [];
  for (const strokes of digits) read.push(await readAfter(drag, strokes));
  return { read, right: read.filter((digit, i) => digit === i).length };
}

async function show(width, height, { mobile = false, scheme = "light" } = {}) {
  await browser.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  await browser.send("Emulation.setTouchEmulationEnabled", { enabled: mobile });
  await browser.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
}

async function shoot(name) {
  await browser.value("Promise.all(document.getAnimations().map((bar) => bar.finished.catch(() => {})))");
  await browser.screenshot(join(folder, `${name}.png`));
}

async function testReading() {
  const { read, right } = await readAll();
  check(right >= 9, `reads ${right} of ten digits drawn with the mouse: ${read.join(" ")}`);
  const sum = (await probabilities()).reduce((a, b) => a + b);
  check(Math.abs(sum - 100) < 1, `the probabilities add up to ${sum.toFixed(1)} %`);
  await show(800, 530);
  await readAfter(drag, unclear);
  await shoot("light");
  await show(800, 530, { scheme: "dark" });
  await shoot("dark");
}

async function testKeyboard() {
  await show(800, 600);
  await click("clear");
  await browser.value(`document.getElementById("pad").focus()`);
  for (let i = 0; i < 12; ++i) await browser.press("ArrowUp");
  await browser.press(" ", "Space");
  check(await text("pen") === "The pen is down.", "space sets the pen, and says so");
  for (let i = 0; i < 24; ++i) await browser.press("ArrowDown");
  await browser.press(" ", "Space");
  await settled();
  check(/a 1\b/.test(await text("result")), `reads a 1 drawn with the keyboard: ${await text("result")}`);
  await browser.press("Escape");
  await settled();
  check(await text("result") === "The pad is empty.", "Escape clears");
  await browser.press("Tab");
  const focused = () => browser.value("document.activeElement.id");
  check(await focused() === "clear", "Tab leaves the pad");
  await browser.press("Tab");
  await browser.press("ArrowRight");
  check(await focused() === "tab-teach" && await browser.value(`document.getElementById("read").hidden`),
        "an arrow changes the tab");
  await click("tab-read");
}

async function testTouch() {
  await show(390, 844, { mobile: true });
  check(await browser.value("document.documentElement.scrollWidth <= innerWidth"), "fits on a phone");
  const digit = await readAfter(touch, digits[2]);
  check(digit === 2 && await browser.value("scrollY") === 0,
        `reads a 2 drawn with a finger, which does not scroll: ${digit}`);
  await shoot("phone");
  await click("tab-teach");
  check(await browser.value("document.documentElement.scrollWidth <= innerWidth"), "so does the second tab");
}

async function trained(steps) {
  await browser.value(`document.getElementById("steps").value = ${steps}`);
  await click("train");
  await browser.until(`!document.getElementById("train").disabled`);
  const said = await text("status");
  return { said, losses: said.match(/[0-9.e-]+(?= at)/g).map(Number) };
}

async function testTeaching() {
  await show(800, 600);
  await click("tab-teach");
  await click("clear");
  for (const [label, strokes] of digits.entries()) {
    await drag(strokes);
    await browser.value(`document.getElementById("pad").focus()`);
    await browser.press(String(label), `Digit${label}`);
  }
  check(await browser.value(`document.querySelectorAll("#examples li").length`) === 10,
        "keeps ten examples, labelled with keys");

  await click("forget");
  await browser.until(`document.getElementById("status").textContent.includes("random")`);
  await browser.until(`!document.getElementById("train").disabled`);
  const { right: forgotten } = await readAll();
  check(forgotten <= 6, `reads ${forgotten} with random weights`);
  await click("clear");
  const { said, losses: [first, last] } = await trained(150);
  check(first > 1.5 && last < first / 3, said);
  const points = await browser.value(`document.getElementById("losses").points.length`);
  check(points === 150, `the curve has ${points} points`);
  await shoot("teach");
  const { right: learnt } = await readAll();
  check(learnt >= 9, `reads ${learnt} of the digits it was taught`);

  const [sizes, differs] = await browser.value(`Promise.all(
    [document.getElementById("download").href, "digits.onnx"].map(async (url) =>
      new Uint8Array(await (await fetch(url)).arrayBuffer())))
    .then(([now, then]) => [[now.length, then.length], now.some((byte, i) => byte !== then[i])])`);
  check(sizes[0] === sizes[1] && differs, "the network can be downloaded with its new weights");
  await click("restore");
  await browser.until(`document.getElementById("status").textContent.includes("first weights")`);
  await browser.until(`!document.getElementById("train").disabled`);
  const { right } = await readAll();
  check(right >= 9, `reads ${right} with the weights restored`);
}

checkPictures();
try {
  await show(800, 600);
  await browser.send("Page.navigate", { url: address });
  await settled();
  for (const test of [testReading, testKeyboard, testTouch, testTeaching]) await test();
  const foreign = browser.requested.filter((url) => !url.startsWith(address) && !/^(data|blob|about):/.test(url));
  check(foreign.length === 0, `asks for nothing elsewhere ${foreign.join(" ")}`);
  check(browser.complaints.length === 0, `the page reports no errors ${browser.complaints.join("\n")}`);
} catch (error) {
  check(false, error.stack);
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
