// The tab in which the network learns from the visitor's drawings.
import { picture } from "./centre.js";

const element = (id) => document.getElementById(id);
const frame = () => new Promise((resolve) => setTimeout(resolve));

/** A source of batches that takes every example once before it takes one again. */
function* batches(examples, size) {
  let left = [];
  for (;;) {
    const batch = [];
    while (batch.length < size) {
      if (left.length === 0) left = [...examples];
      batch.push(left.splice(Math.floor(Math.random() * left.length), 1)[0]);
    }
    yield batch;
  }
}

function drawCurve(losses, steps) {
  const highest = Math.max(...losses);
  const points = losses.map((loss, i) =>
    `${(34 + 282 * i / Math.max(1, steps - 1)).toFixed(1)},${(104 - 92 * loss / highest).toFixed(1)}`);
  element("losses").setAttribute("points", points.join(" "));
  element("highest").textContent = highest.toPrecision(2);
  element("taken").textContent = `${steps} steps`;
}

/** Makes the tab work. `paint(canvas, pixels)` shows a picture; `weightsChanged()` is called after `network` has. */
export function setUpTeaching({ network, pad, paint, weightsChanged }) {
  const examples = [];
  let training = false;
  const status = (text) => { element("status").textContent = text; };

  function showExamples() {
    element("examples").replaceChildren(...examples.map((example, i) => {
      const item = document.createElement("li"), button = document.createElement("button");
      const thumbnail = document.createElement("canvas");
      thumbnail.width = thumbnail.height = 28;
      button.type = "button";
      button.ariaLabel = button.title = `Remove this ${example.label}`;
      button.append(thumbnail, String(example.label));
      button.addEventListener("click", () => {
        examples.splice(i, 1);
        showExamples();
      });
      item.append(button);
      paint(thumbnail, example.pixels);
      return item;
    }));
    const count = examples.length;
    element("train").disabled = count === 0;
    status(count === 0 ? "No examples yet." : count === 1 ? "One example." : `${count} examples.`);
  }

  function keep(label) {
    if (training) return;
    if (pad.strokes.length === 0) {
      status("The pad is empty: draw a digit first.");
      return;
    }
    examples.push({ pixels: picture(pad.strokes), label });
    showExamples();
    pad.clear();
  }

  function lock(locked) {
    training = locked;
    for (const button of document.querySelectorAll("#teach button")) button.disabled = locked;
    element("train").disabled ||= examples.length === 0;
  }

  async function train(steps, rate) {
    const losses = [], source = batches(examples, network.batchSize);
    status("The network learns.");
    while (losses.length < steps) {
      const loss = await network.step(source.next().value, rate);
      if (!Number.isFinite(loss)) throw new Error("the loss is not finite; a smaller rate may help");
      losses.push(loss);
      drawCurve(losses, steps);
      await frame();  // so that the curve is seen to grow
    }
    await network.use();
    status(`The loss: ${losses[0].toPrecision(3)} at first, ${losses.at(-1).toPrecision(3)} at last.`);
  }

  async function change(task) {
    lock(true);
    try {
      await task();
    } catch (error) {
      status(`The training failed: ${error.message}. The network has its first weights again.`);
      await network.restore();
    }
    lock(false);
    URL.revokeObjectURL(element("download").href);
    element("download").href = URL.createObjectURL(network.file);
    await weightsChanged();
  }

  for (let digit = 0; digit < 10; ++digit) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = digit;
    button.addEventListener("click", () => keep(digit));
    element("labels").append(button);
  }
  element("pad").addEventListener("keydown", (event) => {
    if (!element("teach").hidden && /^[0-9]$/.test(event.key)) keep(Number(event.key));
  });
  element("training").addEventListener("submit", (event) => {
    event.preventDefault();
    change(() => train(element("steps").valueAsNumber, element("rate").valueAsNumber));
  });
  element("forget").addEventListener("click", () => change(async () => {
    await network.forget();
    status("The network has random weights now.");
  }));
  element("restore").addEventListener("click", () => change(async () => {
    await network.restore();
    status("The network has its first weights again.");
  }));
}
