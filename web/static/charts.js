// A chart read out under the pointer and by the arrow keys.

import { $, $$, dresser } from "./dom.js";

function readChart(chart) {
  const readings = JSON.parse(chart.dataset.readings);
  const out = $("[data-readout]", chart.closest("section"));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("class", "cursor");
  chart.append(line);
  let at = readings.length - 1;
  const show = (i) => {
    at = Math.max(0, Math.min(readings.length - 1, i));
    const [x, words] = readings[at];
    line.setAttribute("d", `M${x} 8V${chart.viewBox.baseVal.height - 24}`);
    if (out) out.textContent = words;
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    show(readings.reduce((best, [px], i) => (Math.abs(px - x) < Math.abs(readings[best][0] - x) ? i : best), 0));
  });
  chart.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    out?.setAttribute("aria-live", "polite");
    show(at + by);
  });
}

dresser((where) =>
  $$("svg[data-readings]:not([data-read])", where).forEach((chart) => {
    chart.dataset.read = "1";
    readChart(chart);
  }),
);
