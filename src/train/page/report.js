"use strict";
(() => {
  const root = document.documentElement;
  const asked = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  let plots = [];

  const color = name => getComputedStyle(root).getPropertyValue(name).trim();
  const number = v => v === null || v === undefined ? "–" : Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3)
      ? v.toExponential(2) : String(+v.toPrecision(4));

  function plot(place, chart) {
    const soft = color("--soft"), line = color("--line");
    const stroke = i => chart.gradual ? color(`--g${Math.floor(9 * i / Math.max(1, chart.curves.length - 1))}`) : color(`--s${i % 8}`);
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const marks = chart.x.length <= 40;
    const options = {
      width: place.clientWidth, height: Math.round(Math.min(280, Math.max(220, place.clientWidth * 0.48))),
      scales: { x: { time: false }, y: chart.logarithmic ? { distr: 3 } : {} },
      cursor: { sync: chart.xName === "epoch" ? { key: "epoch" } : undefined, points: { size: 7 } },
      axes: [{ ...axis, grid: { show: false } },
             { ...axis, size: 62, values: (u, ticks) => ticks.map(t => t === null ? "" : number(t)) }],
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
