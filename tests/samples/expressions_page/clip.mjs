// The clip that the camera of the test shows: the astronaut, who smiles, a drawing of a sad face, and nothing.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sadFace } from "./drawn.mjs";

export const width = 640, height = 480;
/** What the clip shows, again and again. The page gives grey no label. */
export const shown = [
  { name: "astronaut", label: "happy", seconds: 4 },
  { name: "drawing", label: "sad", seconds: 4 },
  { name: "grey", label: null, seconds: 2 },
];

/** Writes the clip, and returns the grey pixels of its pictures. */
export function makeClip(astronaut, folder) {
  const drawing = join(folder, "drawing.pgm");
  writeFileSync(drawing, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), sadFace(width, height)]));
  const ffmpeg = (...args) => execFileSync("ffmpeg", ["-v", "error", "-y", ...args], { maxBuffer: 1 << 26 });
  const still = (seconds, ...input) => ["-loop", "1", "-t", String(seconds), ...input];
  const scale = `scale=${width}:${height},setsar=1,fps=10,format=yuv420p`;
  const file = join(folder, "clip.y4m");
  ffmpeg(...still(shown[0].seconds, "-i", astronaut), ...still(shown[1].seconds, "-i", drawing),
         "-f", "lavfi", "-t", String(shown[2].seconds), "-i", `color=gray:${width}x${height}`, "-filter_complex",
         // the face fills the oval
         `[0]crop=232:174:109:33,${scale}[a];[1]${scale}[b];[2]${scale}[c];[a][b][c]concat=n=3`, file);
  let time = 0;
  const pictures = shown.map(({ seconds }) => {
    const pixels = ffmpeg("-ss", String(time + seconds / 2), "-i", file, "-frames:v", "1", "-f", "rawvideo",
                          "-pix_fmt", "gray", "-");
    time += seconds;
    return pixels;
  });
  return { file, pictures };
}
