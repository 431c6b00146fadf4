#!/usr/bin/env bash
# Opens a training report in headless Chromium and checks that its charts show the curves: report_test.sh PROGRAM FOLDER
# Writes screenshots of the light and dark themes to FOLDER. Exits with 77 (skipped) if Chromium is not installed.
set -euo pipefail
program=$1
folder=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no Chromium"; exit 77; }
rm -rf "$folder"
"$program" "$folder"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
browse() {
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" \
    --virtual-time-budget=3000 --window-size=1280,3000 "$@" 2>"$folder/browser.log"
}

# Script for a copy of the page: reports for each curve whether its canvas has pixels of its colour.
probe='<script>addEventListener("load", () => setTimeout(() => {
  const ids = c => c.startsWith("#") ? [1, 3, 5].map(i => parseInt(c.substr(i, 2), 16)) : c.match(/\d+/g).map(Number);
  const style = getComputedStyle(document.documentElement), found = [];
  const charts = JSON.parse(document.getElementById("charts").textContent);
  document.querySelectorAll(".plot canvas").forEach((canvas, k) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    charts[k].curves.forEach((curve, i) => {
      const name = charts[k].gradual ? "--g" + Math.floor(9 * i / Math.max(1, charts[k].curves.length - 1)) : "--s" + i % 8;
      const [r, g, b] = ids(style.getPropertyValue(name).trim());
      let n = 0;
      for (let p = 0; p < pixels.length; p += 4)
        if (Math.abs(pixels[p] - r) + Math.abs(pixels[p + 1] - g) + Math.abs(pixels[p + 2] - b) < 30 && pixels[p + 3] > 200) ++n;
      found.push(charts[k].title + ": " + curve.name + ": " + (n > 100 ? "drawn" : "missing, " + n + " pixels"));
    });
  });
  document.body.dataset.curves = found.join("; ");
}, 500));</script>'
{ cat "$folder/report.html"; echo "$probe"; } >"$folder/probed.html"
browse --dump-dom "file://$folder/probed.html" >"$folder/dom.html"
browse --screenshot="$folder/light.png" "file://$folder/report.html" >/dev/null
browse --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png" "file://$folder/report.html" >/dev/null

fail() { echo "FAILED: $1"; exit 1; }
[ -s "$folder/light.png" ] || fail "there is no screenshot"
static=$(grep -o 'class="curve' "$folder/report.html" | wc -l)
if grep -q 'var uPlot=' "$folder/report.html"; then
  curves=$(grep -o 'data-curves="[^"]*"' "$folder/dom.html" | head -n 1) || fail "the page's script did not run"
  echo "$curves" | sed 's/^data-curves="//; s/"$//; s/; /\n/g'
  drawn=$(grep -o ': drawn' <<<"$curves" | wc -l)
  [ "$drawn" -ge 10 ] || fail "$drawn curves are drawn: expected at least 10"
  ! grep -q missing <<<"$curves" || fail "a curve is missing"
  [ "$drawn" -eq "$static" ] || fail "$drawn interactive curves, $static static ones"
else
  echo "without uPlot: $static static curves"
  [ "$static" -ge 10 ] || fail "$static static curves: expected at least 10"
fi
graph='digraph'
if command -v dot >/dev/null 2>&1; then graph='<svg width'; fi
for part in 'class="confusion' 'src="data:image/png' 'cross</b> instead of' "$graph"; do
  grep -q "$part" "$folder/dom.html" || fail "the page lacks $part"
done
echo "screenshots: $folder/light.png, $folder/dark.png"
