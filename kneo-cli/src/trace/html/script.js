"use strict";
// The page is whole without this: zoom, a way to where a place is on the line, and a filter.
(() => {
  const root = document.documentElement, chart = document.querySelector(".chart");
  const find = (id) => document.getElementById(id);
  root.classList.add("js");
  find("zoom").addEventListener("input", (event) => {
    const wide = chart.scrollWidth, middle = (chart.scrollLeft + chart.clientWidth / 2) / wide;
    root.style.setProperty("--zoom", Math.pow(100, event.target.value / 100));
    chart.scrollLeft = middle * chart.scrollWidth - chart.clientWidth / 2;
  });
  chart.addEventListener("click", (event) => {
    const took = event.target.closest(".rows .took");
    const bar = took && took.parentElement.querySelector(".bar, .point, .reach");
    if (bar) { event.preventDefault(); bar.scrollIntoView({ block: "nearest", inline: "center" }); }
  });
  const all = (open) => chart.querySelectorAll(".rows details:not(.values)").forEach((part) => { part.open = open; });
  find("open").addEventListener("click", () => all(true));
  find("close").addEventListener("click", () => { all(false); chart.querySelector("details").open = true; });
  const told = ".s-failed, .s-lost, .s-refused, .s-cancelled, .s-waiting, .s-running, .p-wait";
  chart.querySelectorAll(".rows .row").forEach((row) => {
    const part = row.closest("details"), within = row.parentElement.tagName === "SUMMARY" ? part : row;
    if (!within.matches(told) && !within.querySelector(told)) { row.classList.add("quiet"); }
  });
  find("told").addEventListener("change", (event) => {
    chart.classList.toggle("only", event.target.checked);
    if (event.target.checked) { all(true); }
  });
})();
