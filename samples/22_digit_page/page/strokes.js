// A pad on which one draws with a mouse, a finger or a pen, or with the keyboard: arrows move, space sets and lifts the
// pen, Escape clears.

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const stepLength = 1 / 40;  // of the keyboard's cursor, in sides of the pad
const penWidth = 1 / 14;

export class Pad {
  strokes = [];  // lists of points {x, y}; the pad has side 1
  #canvas;
  #pointer = null;  // the id of the pointer that draws
  #cursor = null;  // of the keyboard: {x, y, down}
  #held = new Set();
  #changed;
  #said;

  /** `changed()` is called after every change; `said(text)` reports what the keyboard's pen does. */
  constructor(canvas, changed, said) {
    this.#canvas = canvas;
    this.#changed = changed;
    this.#said = said;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId === this.#pointer) this.#pointer = null;
      });
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", (event) => this.#held.delete(event.key));
    canvas.addEventListener("blur", () => this.#leave());
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  clear() {
    this.strokes = [];
    this.#pointer = null;
    if (this.#cursor) this.#cursor.down = false;
    this.#update();
  }

  #update() {
    this.#draw();
    this.#changed();
  }

  #point(event) {
    const bounds = this.#canvas.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return { x: within((event.clientX - bounds.left) / bounds.width),
             y: within((event.clientY - bounds.top) / bounds.height) };
  }

  #press(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#cursor = null;
    this.strokes.push([this.#point(event)]);
    this.#update();
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(events.length > 0 ? events : [event]).map((each) => this.#point(each)));
    this.#update();
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") {
      this.clear();
      this.#said("The pad is empty.");
    } else if (event.key === " ") {
      this.#cursor ??= { x: 0.5, y: 0.5, down: false };
      this.#cursor.down = !this.#cursor.down;
      if (this.#cursor.down) this.strokes.push([{ x: this.#cursor.x, y: this.#cursor.y }]);
      this.#said(this.#cursor.down ? "The pen is down." : "The pen is up.");
      this.#update();
    } else if (event.key in arrows) {
      this.#held.add(event.key);  // two arrows at once move diagonally
      this.#cursor ??= { x: 0.5, y: 0.5, down: false };
      for (const key of this.#held) {
        this.#cursor.x = Math.min(1, Math.max(0, this.#cursor.x + stepLength * arrows[key][0]));
        this.#cursor.y = Math.min(1, Math.max(0, this.#cursor.y + stepLength * arrows[key][1]));
      }
      if (this.#cursor.down) this.strokes.at(-1).push({ x: this.#cursor.x, y: this.#cursor.y });
      this.#update();
    } else {
      return;
    }
    event.preventDefault();
  }

  #leave() {
    this.#cursor = null;
    this.#held.clear();
    this.#draw();
  }

  #draw() {
    const size = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    this.#canvas.width = this.#canvas.height = size;  // which clears it
    const context = this.#canvas.getContext("2d");
    context.scale(size, size);
    context.strokeStyle = getComputedStyle(this.#canvas).color;
    context.lineWidth = penWidth;
    context.lineCap = context.lineJoin = "round";
    for (const points of this.strokes) {
      context.beginPath();
      context.moveTo(points[0].x, points[0].y);
      for (const point of points) context.lineTo(point.x, point.y);
      context.stroke();
    }
    if (this.#cursor) {
      context.lineWidth = 0.006;
      context.strokeStyle = getComputedStyle(this.#canvas).outlineColor;
      context.beginPath();
      context.arc(this.#cursor.x, this.#cursor.y, this.#cursor.down ? penWidth / 2 : penWidth, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}
