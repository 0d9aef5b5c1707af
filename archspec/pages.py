"""Pages of HTML in one file, which ask nothing of a network, in light and dark, from wide screens to telephones."""

from __future__ import annotations

from html import escape

from archspec import palette

STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 {palette.FONT}; color: var(--ink); background: var(--paper); max-width: 68rem;
       margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: break-word; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.3rem; }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 0.4rem; }}
p {{ margin: 0.3rem 0; }}
.note {{ color: var(--muted); font-size: 0.9rem; }}
.wide {{ overflow-x: auto; }}
svg, img {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }}
th {{ background: var(--raised); font-weight: 600; }}
th.text, td.text {{ text-align: left; }}
pre {{ background: var(--raised); padding: 0.8rem; overflow-x: auto; font-size: 0.85rem; }}
a {{ color: var(--series1); }}
table.sortable th {{ cursor: pointer; }}
table.sortable th:focus-visible {{ outline: 2px solid var(--accent); outline-offset: -2px; }}
th[aria-sort=ascending]::after {{ content: " ▲"; }}
th[aria-sort=descending]::after {{ content: " ▼"; }}
@media (max-width: 500px) {{ body {{ padding: 1rem 0.6rem 3rem; }} th, td {{ padding: 0.2rem 0.4rem; }} }}
"""

SORTABLE = """
for (const head of document.querySelectorAll("table.sortable th")) {
  const sort = () => {
    const body = head.closest("table").tBodies[0], at = head.cellIndex;
    const falls = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falls ? "descending" : "ascending");
    const key = row => { const cell = row.cells[at];
                         const text = (cell.dataset.value ?? cell.textContent).replaceAll(",", "").trim();
                         return text === "" || isNaN(text) ? text : Number(text); };
    const less = (a, b) => a === b ? 0 : a === "" ? 1 : b === "" ? -1 :
      (typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === "number" ? -1 : 1) * (falls ? -1 : 1);
    [...body.rows].sort((a, b) => less(key(a), key(b))).forEach(row => body.append(row));
  };
  head.tabIndex = 0;
  head.onclick = sort;
  head.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); } };
}
"""
"""A script for `page`: a click or Enter on a heading of a `<table class="sortable">` sorts its rows by that column, up
and then down, by number where all is numbers, and by `data-value` where a cell has one; empty cells stay last."""


def page(title: str, body: str, style: str = "", script: str = "") -> str:
    """A whole page.

    Args:
        title: of the window, as text.
        body: HTML; what may be wider than a screen stands in `<div class="wide">`, numbers of less weight in
            `class="note"`, and cells of text in `class="text"`.
        style: CSS besides `STYLE`.
        script: JavaScript, run when the body is there.
    """
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{palette.variables()}{STYLE}{style}</style></head><body>",
            body,
            f"<script>{script}</script></body></html>" if script else "</body></html>",
            "",
        ]
    )
