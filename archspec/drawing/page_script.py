"""What a drawing's page does: zoom, pan, numbers, search and keyboard, without any library."""

from __future__ import annotations

SCRIPT = r"""
"use strict";
const $ = id => document.getElementById(id);
const stage = $("stage"), panel = $("panel"), search = $("search"), found = $("found"), opener = $("opener");
const drawings = JSON.parse($("parts").textContent).map((parts, number) => {
  const svg = stage.children[number];
  const boxes = parts.map(part => {
    if (!part.box) return null;
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const [x, y, width, height] = part.box, is = {x, y, width, height, rx: 4, role: "button", tabindex: "-1"};
    for (const name in is) rect.setAttribute(name, is[name]);
    rect.setAttribute("class", "part");
    rect.setAttribute("aria-label", said(part));
    svg.append(rect);
    return rect;
  });
  const from = parts.map(() => []);
  parts.forEach((part, place) => part.to.forEach(target => from[target].push(place)));
  const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  return {svg, parts, boxes, from, size: {x, y, width, height}, view: null};
});
let current = 0, chosen = null, hits = [], hit = -1;
const now = () => drawings[current];

// -- numbers ----------------------------------------------------------------------------------------------------------

function exact(count) { return count.toLocaleString("en-US"); }
const units = ["", "K", "M", "G", "T", "P"];
function compact(count, base = 1000, last = "") {
  let power = 0;
  while (count >= base - 0.5 && power < 5) { count /= base; power++; }
  return count.toFixed(count >= 99.95 || !power ? 0 : count >= 9.995 ? 1 : 2) +
    (last ? " " + (power ? units[power] + "i" : "") + last : units[power]);
}
const share = (count, all) => all && count ? ` (${(100 * count / all).toFixed(count >= all / 10 ? 0 : 1)} %)` : "";
function said(part) {
  const weights = part.weights ? `, ${exact(part.weights)} parameters` : "";
  return `${part.path}: ${part.what}, output ${part.shape}${weights}`;
}
function numbers(part) {
  const networks = now().parts.filter(other => other.total), {total: all, name} = networks[part.network];
  if (part.total) return [["network", name], ["output", part.shape]];
  return [
    ["network", networks.length > 1 ? name : ""],
    ["difference", part.mark], ["operation", part.what], ["copies", part.copies > 1 ? exact(part.copies) : ""],
    ["input", part.takes], ["output", part.shape],
    ["parameters", part.weights ? exact(part.weights) + share(part.weights, all.weights) : "none"],
    ["MACs", part.macs ? compact(part.macs) + share(part.macs, all.macs) : "none"],
    ["activations", compact(part.bytes, 1024, "B")],
    ["field", part.field], ["stride", part.stride],
  ].filter(([, value]) => value);
}
function element(name, text, where) {
  const made = document.createElement(name);
  made.textContent = text;
  where.append(made);
  return made;
}
const help = panel.innerHTML;
function show(place) {
  if (place === null) { panel.innerHTML = help; return; }
  const part = now().parts[place];
  panel.textContent = "";
  element("h2", part.path, panel);
  const table = element("table", "", panel);
  for (const [label, value] of numbers(part)) {
    const row = element("tr", "", table);
    element("th", label, row).scope = "row";
    element("td", value, row);
  }
  for (const [label, others] of [["from", now().from[place]], ["to", part.to]]) {
    if (!others.length) continue;
    const line = element("p", label + " ", panel);
    for (const other of others) element("button", now().parts[other].path, line).onclick = () => choose(other, true);
  }
}

// -- choosing ---------------------------------------------------------------------------------------------------------

function choose(place, moves = false, focuses = true) {
  if (chosen !== null && now().boxes[chosen]) {
    now().boxes[chosen].classList.remove("chosen");
    now().boxes[chosen].setAttribute("tabindex", "-1");
  }
  chosen = place;
  show(place);
  if (place === null) return reach();
  const box = now().boxes[place];
  if (!box) return;
  box.classList.add("chosen");
  box.setAttribute("tabindex", "0");
  if (focuses) box.focus({preventScroll: true});
  if (moves) reveal(box);
}
function reveal(box) {
  const {x, y, width, height} = box.getBBox(), view = now().view, margin = 30 / view.scale;
  const [wide, high] = [stage.clientWidth / view.scale, stage.clientHeight / view.scale];
  if (x - margin < view.x) view.x = x - margin;
  if (x + width + margin > view.x + wide) view.x = Math.min(x - margin, x + width + margin - wide);
  if (y - margin < view.y) view.y = y - margin;
  if (y + height + margin > view.y + high) view.y = Math.min(y - margin, y + height + margin - high);
  draw();
}
const middle = place => {
  const {x, y, width, height} = now().boxes[place].getBBox();
  return [x + width / 2, y + height / 2];
};
function step(key) {
  const {parts, boxes, from} = now();
  if (chosen === null) return choose(parts[0].to[0], true);
  const [x, y] = middle(chosen), isFrame = !parts[chosen].to.length && !from[chosen].length;
  if (key === "ArrowDown" && isFrame) {  // into it
    const within = parts[chosen].id + ".";
    const inside = parts.findIndex((part, place) => boxes[place] && part.to.length && part.id.startsWith(within));
    if (inside >= 0) choose(inside, true);
    return;
  }
  if (key === "ArrowDown" || key === "ArrowUp") {  // along the edges, straight on where there are several
    const near = (key === "ArrowDown" ? parts[chosen].to : from[chosen]).filter(place => boxes[place]);
    near.sort((a, b) => Math.hypot(middle(a)[0] - x, (middle(a)[1] - y) / 3) -
                        Math.hypot(middle(b)[0] - x, (middle(b)[1] - y) / 3));
    if (near.length) choose(near[0], true);
    return;
  }
  const sign = key === "ArrowRight" ? 1 : -1;
  let best = null, least = Infinity;
  boxes.forEach((box, place) => {
    if (!box || place === chosen) return;
    const [a, b] = middle(place), distance = Math.hypot(a - x, 4 * (b - y));
    if (sign * (a - x) > 5 && Math.abs(b - y) < Math.abs(a - x) * 1.5 && distance < least) {
      [best, least] = [place, distance];
    }
  });
  if (best !== null) choose(best, true);
}

// -- zoom and pan -----------------------------------------------------------------------------------------------------

function draw() {
  const {svg, size, view} = now(), wide = stage.clientWidth / view.scale, high = stage.clientHeight / view.scale;
  const keep = 40 / view.scale;  // of the drawing stays in sight
  view.x = Math.min(Math.max(view.x, size.x + keep - wide), size.x + size.width - keep);
  view.y = Math.min(Math.max(view.y, size.y + keep - high), size.y + size.height - keep);
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${wide} ${high}`);
}
function frame(isWhole) {
  const {size} = now();
  let scale = Math.min(1.25, stage.clientWidth / size.width);
  if (isWhole) scale = Math.min(scale, stage.clientHeight / size.height);
  else scale = Math.max(scale, 0.45);
  const x = size.x + (size.width - stage.clientWidth / scale) / 2;
  const y = isWhole ? size.y + (size.height - stage.clientHeight / scale) / 2 : size.y;
  now().view = {x, y, scale};
  draw();
}
function zoom(factor, left = stage.clientWidth / 2, top = stage.clientHeight / 2) {
  const view = now().view, scale = Math.min(Math.max(view.scale * factor, 0.02), 20);
  view.x += left / view.scale - left / scale;
  view.y += top / view.scale - top / scale;
  view.scale = scale;
  draw();
}
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect(), lines = event.deltaMode ? 24 : 1;
  const amount = Math.min(Math.max(event.deltaY * lines, -120), 120) * (event.ctrlKey ? 0.01 : 0.0022);
  zoom(Math.exp(-amount), event.clientX - box.left, event.clientY - box.top);
}, {passive: false});
const pointers = new Map();
let moved = 0;
stage.addEventListener("pointerdown", event => {
  pointers.set(event.pointerId, event);
  if (pointers.size === 1) moved = 0;
});
stage.addEventListener("pointermove", event => {
  const before = pointers.get(event.pointerId);
  if (!before) {
    const box = event.target.closest(".part");
    if (chosen === null) show(box ? now().boxes.indexOf(box) : null);
    return;
  }
  const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY], view = now().view;
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved > 5 && !stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
  if (pointers.size === 2) {
    const [other] = [...pointers.values()].filter(one => one.pointerId !== event.pointerId);
    const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const box = stage.getBoundingClientRect();
    zoom(apart(event) / Math.max(apart(before), 1), (event.clientX + other.clientX) / 2 - box.left,
         (event.clientY + other.clientY) / 2 - box.top);
  }
  if (moved > 5) {
    stage.classList.add("moving");
    view.x -= dx / view.scale / pointers.size;
    view.y -= dy / view.scale / pointers.size;
    draw();
  }
  pointers.set(event.pointerId, event);
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, event => {
  pointers.delete(event.pointerId);
  if (!pointers.size) stage.classList.remove("moving");
});
stage.addEventListener("click", event => {
  if (moved > 5) return;
  const box = event.target.closest(".part"), place = box ? now().boxes.indexOf(box) : -1;
  choose(place < 0 ? null : place);
});
stage.addEventListener("focusin", event => {
  const box = event.target.closest(".part"), place = box ? now().boxes.indexOf(box) : -1;
  if (place >= 0 && place !== chosen) choose(place, true, false);
});

// -- search -----------------------------------------------------------------------------------------------------------

const plain = text => text.toLowerCase().replaceAll("×", "x").replaceAll("_", " ");
function matching(drawing) {
  const words = plain(search.value).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const places = drawing.parts.map((part, place) => [plain(`${part.path} ${part.what}`), place]);
  return places.filter(([text, place]) => drawing.boxes[place] && words.every(word => text.includes(word)))
    .map(([, place]) => place);
}
const other = () => drawings.length > 1 ? matching(drawings[1 - current]) : [];
function look() {
  for (const place of hits) now().boxes[place].classList.remove("hit");
  hits = matching(now());
  hit = -1;
  for (const place of hits) now().boxes[place].classList.add("hit");
  const more = hits.length ? 0 : other().length;
  found.textContent = !search.value.trim() ? "" : hits.length ? `${hits.length} found`
    : more ? `${more} when ${current ? "folded" : "opened"}` : "none";
}
function next(direction) {
  if (!hits.length && other().length) swap(false);
  if (!hits.length) return;
  hit = (hit + direction + hits.length) % hits.length;
  found.textContent = `${hit + 1} of ${hits.length}`;
  choose(hits[hit], true, false);
}
search.addEventListener("input", look);

// -- folded and opened ------------------------------------------------------------------------------------------------

function swap(focuses = true) {
  const path = chosen === null ? null : now().parts[chosen].id;
  choose(null);
  for (const place of hits) now().boxes[place].classList.remove("hit");
  hits = [];
  now().svg.toggleAttribute("hidden", true);
  current = 1 - current;
  now().svg.toggleAttribute("hidden", false);
  opener.textContent = current ? "Fold" : "Open all";
  if (!now().view) frame(false);
  draw();
  look();
  const {parts, boxes} = now();
  let place = parts.findIndex((part, at) => boxes[at] && part.id === path);
  if (place < 0 && path) place = parts.findIndex((part, at) => boxes[at] && part.id.startsWith(path + "."));
  if (place >= 0) choose(place, true, focuses);
  reach();
}
if (opener) opener.addEventListener("click", () => swap());

// -- keyboard ---------------------------------------------------------------------------------------------------------

$("larger").onclick = () => zoom(1.25);
$("smaller").onclick = () => zoom(0.8);
$("whole").onclick = () => frame(true);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === search) {
    if (event.key === "Enter") { event.preventDefault(); next(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { search.value = ""; look(); search.blur(); }
    return;
  }
  const isButton = event.target.tagName === "BUTTON";
  if (event.key === "/") search.focus();
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") frame(true);
  else if (event.key === "Escape") { choose(null); stage.focus(); }
  else if (event.key.startsWith("Arrow")) step(event.key);
  else if ((event.key === "Enter" || event.key === " ") && !isButton && chosen !== null) choose(chosen, true);
  else return;
  if (!isButton || event.key.startsWith("Arrow")) event.preventDefault();
});
function reach() {  // Tab enters the drawing at its first box
  const {parts, boxes} = now();
  if (chosen === null) boxes[parts[0].to[0]].setAttribute("tabindex", "0");
}
addEventListener("resize", () => draw());
frame(false);
reach();
"""
