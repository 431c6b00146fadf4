// The 28×28 picture of a drawing, made as the pictures of MNIST were: its longer side fills 20 pixels, its proportions
// are kept, and its centre of mass is in the middle.

export const side = 28;
const box = 20;
const radius = 1.15;  // of the pen, in pixels: strokes as wide as MNIST's on average
const smallest = 0.04;  // the side of the smallest drawing that is enlarged to the whole box, in sides of the pad

function ink(strokes) {
  const pixels = new Float32Array(side * side);
  const cells = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - radius - 1)),
                           Math.min(side - 1, Math.ceil(Math.max(a, b) + radius + 1))];
  for (const points of strokes) {
    points.forEach((to, i) => {
      const from = points[Math.max(0, i - 1)];
      const dx = to.x - from.x, dy = to.y - from.y, squared = dx * dx + dy * dy;
      const [left, right] = cells(from.x, to.x), [top, bottom] = cells(from.y, to.y);
      for (let row = top; row <= bottom; ++row) {
        for (let column = left; column <= right; ++column) {
          const x = column + 0.5 - from.x, y = row + 0.5 - from.y;
          const along = squared > 0 ? Math.min(1, Math.max(0, (x * dx + y * dy) / squared)) : 0;
          const cover = radius + 0.5 - Math.hypot(x - along * dx, y - along * dy);
          const at = row * side + column;
          pixels[at] = Math.max(pixels[at], Math.min(1, cover));
        }
      }
    });
  }
  return pixels;
}

/** The centre of mass of a picture that is not blank. */
export function centreOfMass(pixels) {
  let mass = 0, x = 0, y = 0;
  pixels.forEach((value, at) => {
    mass += value;
    x += value * (at % side + 0.5);
    y += value * (Math.floor(at / side) + 0.5);
  });
  return { x: x / mass, y: y / mass };
}

/**
 * The pixels, 0 to 1, row by row, of strokes: lists of points {x, y} in any unit that is the same for x and y; the pad
 * has side 1. Without points, the picture is blank.
 */
export function picture(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(side * side);
  const xs = points.map((p) => p.x), ys = points.map((p) => p.y);
  const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
  const scale = (box - 2 * radius) / Math.max(right - left, bottom - top, smallest);
  const place = (centre, middle) => strokes.map((stroke) => stroke.map((p) => ({
    x: middle.x + scale * (p.x - centre.x), y: middle.y + scale * (p.y - centre.y) })));
  const middle = { x: side / 2, y: side / 2 };
  const boxed = place({ x: (left + right) / 2, y: (top + bottom) / 2 }, middle);
  const mass = centreOfMass(ink(boxed));
  return ink(boxed.map((stroke) => stroke.map((p) => ({ x: p.x + middle.x - mass.x, y: p.y + middle.y - mass.y }))));
}
