// Draws the faces of the npm package @dicebear/open-peeps: node render_faces.mjs MODULES FACES.csv OUT
//
// MODULES is the folder node_modules with @dicebear/core and @dicebear/open-peeps, FACES.csv the table of the faces,
// which must list exactly those of the package. Every face is drawn once on each of the 48 heads. The package chooses
// the beard (for one picture in four), the glasses (likewise) and the colours, by a seed made of the two names.
//
// Writes OUT/FACE.png, for each face a sheet of 8 columns and 6 rows of pictures of 192×192 pixels, one for each head;
// pairs.csv, a line for each picture with the SHA-256 of its SVG, in the order of the cells; and pictures.sha256, the
// sums of the sheets. rsvg-convert draws the pixels.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const side = 192; // of a picture, in pixels
const columns = 8;
const part = "200 130 480 480"; // the part of the drawing, 704×704, that becomes a picture
const backgrounds = ["ffffff", "e0e0e0", "c0c0c0", "a0a0a0", "808080", "606060"];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function check(condition, message) {
  if (!condition) throw new Error(message);
}

async function main([modules, table, out]) {
  check(out !== undefined, "usage: node render_faces.mjs MODULES FACES.csv OUT");
  const load = (name) => import(pathToFileURL(resolve(modules, name, "lib", "index.js")).href);
  const { createAvatar } = await load("@dicebear/core");
  const style = await load("@dicebear/open-peeps");
  const { face: faces, head: heads } = Object.fromEntries(
    Object.entries(style.schema.properties).map(([name, property]) => [name, property.items?.enum]),
  );
  const listed = readFileSync(table, "utf8").trimEnd().split("\n").slice(1).map((line) => line.split(",")[0]);
  check(heads.length === 48, `the package has ${heads.length} heads; expected 48`);
  check(
    [...listed].sort().join() === [...faces].sort().join(),
    `the faces of ${table} are not those of the package, which are ${faces.join(", ")}`,
  );

  const pairs = ["face,head,beard,glasses,svg_sha256"];
  const sums = [];
  for (const face of faces) {
    const cells = heads.map((head, i) => {
      const avatar = createAvatar(style, {
        seed: `${face} ${head}`,
        face: [face],
        head: [head],
        facialHairProbability: 25,
        accessoriesProbability: 25,
        maskProbability: 0,
        backgroundColor: backgrounds,
      });
      const svg = avatar.toString();
      const { facialHair = "none", accessories = "none" } = avatar.toJson().extra;
      pairs.push([face, head, facialHair, accessories, sha256(svg)].join());
      const [x, y] = [(i % columns) * side, Math.floor(i / columns) * side];
      const cell = `<svg x="${x}" y="${y}" width="${side}" height="${side}" viewBox="${part}"`;
      const placed = svg.replace(/<metadata.*?<\/metadata>/s, "").replace('viewBox="0 0 704 704"', "");
      check(placed.startsWith("<svg "), `${face} on ${head} is not drawn as expected`);
      return placed.replace("<svg ", `${cell} `);
    });
    const size = `width="${columns * side}" height="${(heads.length / columns) * side}"`;
    const sheet = execFileSync("rsvg-convert", ["--format", "png"], {
      input: `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${cells.join("")}</svg>`,
      maxBuffer: 1 << 26,
    });
    writeFileSync(join(out, `${face}.png`), sheet);
    sums.push(`${sha256(sheet)}  ${face}.png`);
  }
  writeFileSync(join(out, "pairs.csv"), `${pairs.join("\n")}\n`);
  writeFileSync(join(out, "pictures.sha256"), `${sums.join("\n")}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`error: ${error.message.split("\n")[0]}`);
  process.exit(1);
});
