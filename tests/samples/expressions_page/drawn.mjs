// A drawing of a sad face: drooping brows, and a mouth whose corners point down.

/** Grey values of a picture with the face in the middle, filling the page's oval. */
export function sadFace(width, height) {
  const size = 0.8 * Math.min(width, height);  // of the square around the face; x and y are in its sides
  const ellipse = (x, y, cx, cy, rx, ry) => {
    const distance = (Math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry);
    return Math.min(1, Math.max(0, 0.5 - distance / 0.02));  // how much of a point with soft edges is in it
  };
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column) {
      const x = Math.abs(column + 0.5 - width / 2) / size;  // the halves of the face are alike
      const y = (row + 0.5 - height / 2) / size;
      const layers = [
        [50, ellipse(x, y, 0, -0.1, 0.44, 0.52)],  // hair
        [205 - 130 * x * x, ellipse(x, y, 0, 0.06, 0.36, 0.46)],  // skin
        [240, ellipse(x, y, 0.15, -0.06, 0.075, 0.03)], [30, ellipse(x, y, 0.15, -0.06, 0.035, 0.03)],  // eye
        [60, ellipse(x, y - 0.4 * (x - 0.15), 0.15, -0.13, 0.09, 0.014)],  // brow
        [150, ellipse(x, y, 0, 0.1, 0.04, 0.06)],  // nose
        [40, ellipse(x, y - 2 * x * x, 0, 0.31, 0.15, 0.015)],  // mouth
      ];
      const value = layers.reduce((below, [grey, share]) => below + share * (grey - below), 90);
      pixels[row * width + column] = Math.round(value);
    }
  }
  return pixels;
}
