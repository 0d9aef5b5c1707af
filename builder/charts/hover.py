"""What a chart in a page says of the part under the pointer, for `archspec.pages.page`.

A part is an artist of Matplotlib with a gid: `svg` is given the texts by gid. Other elements of the page with the same
`data-mark`, such as the row of a table, are highlighted together with it.
"""

from __future__ import annotations

STYLE = """
.tip { position: fixed; z-index: 9; pointer-events: none; white-space: pre-line; max-width: 24rem; font-size: 0.8rem;
       line-height: 1.35; padding: 0.4rem 0.6rem; border: 1px solid var(--line); border-radius: 4px;
       background: var(--raised); box-shadow: 0 2px 8px #0004; }
.tip::first-line { font-weight: 600; }
g.mark.on > path, g.mark.on use { stroke: var(--ink) !important; stroke-width: 3 !important; opacity: 1 !important;
                                  stroke-opacity: 1 !important; }
tr.on td { background: var(--raised); }
"""
SCRIPT = """
const tip = document.body.appendChild(document.createElement("div"));
tip.className = "tip";
tip.hidden = true;
for (const mark of document.querySelectorAll("g.mark")) {
  const title = mark.querySelector("title");
  mark.dataset.text = title.textContent;
  title.remove();
  for (const line of mark.querySelectorAll(":scope > path")) {
    const wide = line.cloneNode();
    wide.setAttribute("class", "wide-line");
    wide.setAttribute("style", "fill: none; stroke: transparent; stroke-width: 8; pointer-events: stroke");
    mark.prepend(wide);
  }
}
document.addEventListener("pointerover", event => {
  const mark = event.target.closest("[data-mark]"), name = mark && mark.dataset.mark;
  for (const other of document.querySelectorAll(".on")) other.classList.remove("on");
  if (mark) for (const other of document.querySelectorAll(`[data-mark="${name}"]`)) other.classList.add("on");
  tip.hidden = !mark || !mark.dataset.text;
  if (!tip.hidden) tip.textContent = mark.dataset.text;
});
document.addEventListener("pointermove", event => {
  if (tip.hidden) return;
  const beside = (at, size, end) => `${Math.max(4, at + 16 + size > end ? at - size - 12 : at + 16)}px`;
  tip.style.left = beside(event.clientX, tip.offsetWidth, innerWidth);
  tip.style.top = beside(event.clientY, tip.offsetHeight, innerHeight);
});
"""
"""Shows the text of a part beside the pointer, and highlights what else has its `data-mark`. Without scripts, browsers
show the text by themselves."""
