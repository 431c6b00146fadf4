// The face in the oval as the network gets it: a square of the camera's picture, in grey, 64×64. The numbers are those
// of samples/common/expressions/face.cpp.

export const side = 64;

/** The oval on the square stage, in sides of the stage. The network sees the square that is as high. */
export const oval = { height: 0.8, width: 0.6 };

/** The square around the oval in a picture of width × height, whose middle square fills the stage. */
export function square(width, height) {
  const size = Math.round(oval.height * Math.min(width, height));
  return { left: (width - size) >> 1, top: (height - size) >> 1, size };
}

/** Grey values, 0 to 255, of pixels of four bytes (red, green, blue, alpha). */
export function greyOf(pixels) {
  const { fround } = Math, grey = new Uint8Array(pixels.length / 4);
  for (let i = 0; i < grey.length; ++i) {
    const luma = 299 * pixels[4 * i] + 587 * pixels[4 * i + 1] + 114 * pixels[4 * i + 2];
    grey[i] = Math.round(fround(255 * fround(luma / 255000)));  // in floats, which decide how halves are rounded
  }
  return grey;
}

// For each pixel of a row of 64, the first pixel of a row of `size`, and the weights of this and the following ones:
// linear interpolation, with antialiasing.
function taps(size) {
  const scale = size / side, reach = Math.max(scale, 1);
  return Array.from({ length: side }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(size, Math.floor(centre + reach + 0.5));
    const weights = Array.from({ length: end - first },
                               (_, k) => Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach));
    const sum = weights.reduce((a, b) => a + b);
    return { first, weights: Float32Array.from(weights, (weight) => weight / sum) };
  });
}

// Resizes rows of `size` numbers to rows of 64, and transposes the result: two such steps resize a square.
function resizeRows(from, size, taps) {
  const rows = from.length / size, to = new Float32Array(side * rows);
  taps.forEach(({ first, weights }, column) => {
    for (let row = 0; row < rows; ++row) {
      let sum = 0;
      for (let k = 0, at = row * size + first; k < weights.length; ++k, ++at) sum += weights[k] * from[at];
      to[column * rows + row] = sum;
    }
  });
  return to;
}

/** The network's input, 64×64 values from −1, black, to 1, white, of a grey square of size × size pixels. */
export function networkInput(grey, size) {
  const all = taps(size);
  const resized = resizeRows(resizeRows(grey, size, all), size, all);
  return resized.map((value) => 2 * (value / 255 - 0.5));
}

/** Whether an input shows nothing: it is dark or of one grey, as from a covered camera. */
export function nothing(input) {
  const mean = input.reduce((a, b) => a + b) / input.length;
  const variance = input.reduce((sum, value) => sum + (value - mean) ** 2, 0) / input.length;
  return Math.sqrt(variance) < 0.04;
}
