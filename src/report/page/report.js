// Script of report.html: draws the interactive charts and switches between the light and dark themes.
"use strict";
(() => {
  const root = document.documentElement;
  const asked = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  let plots = [];

  const color = name => getComputedStyle(root).getPropertyValue(name).trim();
  const number = v => v === null || v === undefined ? "–" : Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-4)
      ? v.toExponential(2) : String(+v.toPrecision(4));

  // Ticks of a logarithmic axis: powers of ten, or 1, 2 and 5 times powers of ten if fewer than two powers are in range.
  function logarithmicTicks(low, high) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), ticks = [];
    const powers = Math.floor(Math.log10(high)) - Math.ceil(Math.log10(low)) + 1, step = Math.max(1, Math.ceil((last - first) / 6));
    for (let p = first; p <= last; p += step)
      for (const m of powers >= 2 ? [1] : [1, 2, 5]) if (m * 10 ** p >= low && m * 10 ** p <= high) ticks.push(m * 10 ** p);
    return ticks;
  }

  function plot(place, chart) {
    const soft = color("--soft"), line = color("--line");
    const stroke = i => chart.gradual ? color(`--g${Math.floor(9 * i / Math.max(1, chart.curves.length - 1))}`) : color(`--s${i % 8}`);
    const steps = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1e3, 2e3, 2.5e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8];
    const last = chart.x.length - 1, showLast = u => u.setLegend({ idx: last });
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const marks = chart.x.length <= 40;
    const options = {
      width: place.clientWidth, height: Math.round(Math.min(280, Math.max(220, place.clientWidth * 0.48))),
      scales: { x: { time: false }, y: chart.logarithmic ? { distr: 3 } : {} },
      cursor: { sync: chart.xName === "epoch" ? { key: "epoch" } : undefined, points: { size: 7 } },
      hooks: { ready: [u => { showLast(u); u.over.addEventListener("mouseleave", () => setTimeout(showLast, 0, u)); }] },
      axes: [{ ...axis, grid: { show: false }, incrs: steps, space: 60 },
             { ...axis, size: 62, values: (u, ticks) => ticks.map(t => t === null ? "" : number(t)),
               ...(chart.logarithmic ? { splits: (u, i, low, high) => logarithmicTicks(low, high), filter: (u, ticks) => ticks } : {}) }],
      series: [{ label: chart.xName, value: (u, v) => number(v) },
               ...chart.curves.map((c, i) => ({
                 label: c.name, stroke: stroke(i), width: c.faint ? 1 : 2, alpha: c.faint ? 0.35 : 1,
                 points: { show: marks && !c.faint, size: 5, fill: stroke(i) }, value: (u, v) => number(v) }))],
    };
    place.replaceChildren();
    place.classList.add("interactive");
    return new uPlot(options, [chart.x, ...chart.curves.map(c => c.values)], place);
  }

  function draw() {
    if (typeof uPlot === "undefined") return;
    plots.forEach(p => p.destroy());
    const charts = JSON.parse(document.getElementById("charts").textContent);
    plots = [...document.querySelectorAll(".plot")].map((place, i) => plot(place, charts[i]));
  }
  function setTheme(name) {
    root.dataset.theme = name;
    button.textContent = name === "dark" ? "Light" : "Dark";
    draw();
  }

  button.hidden = false;
  button.onclick = () => setTheme(root.dataset.theme === "dark" ? "light" : "dark");
  asked.onchange = () => setTheme(asked.matches ? "dark" : "light");
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  setTheme(asked.matches ? "dark" : "light");
})();
