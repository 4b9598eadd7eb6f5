/**
 * Filters of the report. The page can be read without it: then all findings show and the filters are not there.
 * Tiles are one stop of the Tab key; arrow keys go among them.
 */
export const pageScript = `
"use strict";
(() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const findings = all("details.finding");
  const boxes = all("input[name=severity]");
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const tiles = all("button.tile");
  let node = "";
  const apply = () => {
    const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const text = finding.textContent.toLowerCase();
      const nodes = finding.dataset.nodes.split(" ");
      const fits = severities.has(finding.dataset.severity) && words.every((word) => text.includes(word)) && (node === "" || nodes.includes(node));
      finding.hidden = !fits;
      if (fits) shown++;
    }
    status.textContent = shown + " of " + findings.length + " findings" + (node === "" ? "" : " on " + node);
  };
  const choose = (tile) => {
    node = tile === undefined || node === tile.dataset.node ? "" : tile.dataset.node;
    for (const one of tiles) one.setAttribute("aria-pressed", String(one.dataset.node === node));
    apply();
  };
  const focus = (at) => {
    const tile = tiles[Math.max(0, Math.min(tiles.length - 1, at))];
    for (const one of tiles) one.tabIndex = one === tile ? 0 : -1;
    tile.focus();
  };
  const perRow = (tile) => tiles.filter((one) => one.offsetTop === tile.offsetTop && one.parentNode === tile.parentNode).length;
  for (const [at, tile] of tiles.entries()) {
    tile.tabIndex = at === 0 ? 0 : -1;
    tile.addEventListener("click", () => choose(tile));
    tile.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(tile), ArrowUp: -perRow(tile), Home: -tiles.length, End: tiles.length };
      if (!(event.key in steps)) return;
      event.preventDefault();
      focus(at + steps[event.key]);
    });
  }
  for (const box of boxes) box.addEventListener("change", apply);
  search.addEventListener("input", apply);
  document.getElementById("clear").addEventListener("click", () => {
    for (const box of boxes) box.checked = true;
    search.value = "";
    choose(undefined);
  });
  document.getElementById("open").addEventListener("click", () => {
    const hide = findings.every((finding) => finding.hidden || finding.open);
    for (const finding of findings) if (!finding.hidden) finding.open = !hide;
  });
  document.getElementById("filters").hidden = false;
  apply();
})();
`;
