// Pictures of 64×64 that tests in C++ and in JavaScript make by the same rule.
export const side = 64;

// Picture k: squares of 1, 2, 4, 8 or 16 pixels, each with a value from 0 to 255 that is a hash of its place.
export function picture(k) {
  const square = 1 << (k % 5);
  return Array.from({ length: side * side }, (_, i) => {
    const row = Math.floor(Math.floor(i / side) / square), column = Math.floor((i % side) / square);
    let h = Math.imul(k + 1, 73856093) ^ Math.imul(row + 1, 19349663) ^ Math.imul(column + 1, 83492791);
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return (h ^ (h >>> 16)) & 255;
  });
}
