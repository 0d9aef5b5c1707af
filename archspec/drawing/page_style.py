"""The look of a drawing's page, from wide screens to telephones."""

from __future__ import annotations

STYLE = """
body { max-width: none; height: 100vh; height: 100dvh; padding: 0; box-sizing: border-box; display: grid;
       grid-template: "bar bar" auto "stage panel" 1fr / 1fr 19rem; overflow: hidden; }
header { grid-area: bar; display: flex; flex-wrap: wrap; gap: 0.3rem 0.8rem; align-items: center;
         padding: 0.5rem 0.9rem; border-bottom: 1px solid var(--line); background: var(--raised); }
header h1 { font-size: 1.05rem; margin: 0; }
header .note { flex: 1 1 12rem; }
header input { font: inherit; font-size: 0.9rem; width: 13rem; padding: 0.2rem 0.5rem; }
header input, button { color: var(--ink); background: var(--paper); border: 1px solid var(--muted);
                       border-radius: 5px; }
button { font: inherit; font-size: 0.9rem; padding: 0.2rem 0.6rem; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#found { flex: none; min-width: 5.5rem; }
#stage { grid-area: stage; position: relative; overflow: hidden; touch-action: none; cursor: grab; }
#stage.moving { cursor: grabbing; }
#stage > svg { position: absolute; inset: 0; width: 100%; height: 100%; max-width: none; }
#stage > svg[hidden] { display: none; }
#stage .part { fill: transparent; cursor: pointer; outline: none; }
#stage .part:hover { stroke: var(--muted); stroke-width: 1; }
#stage .hit { stroke: var(--accent); stroke-width: 2; stroke-dasharray: 5 2; }
#stage .chosen { stroke: var(--accent); stroke-width: 3.5; stroke-dasharray: none; }
aside { grid-area: panel; padding: 0.8rem 0.9rem; border-left: 1px solid var(--line); overflow-y: auto;
        font-size: 0.9rem; }
aside h2 { font-size: 1rem; margin: 0; }
aside table { width: 100%; margin: 0.5rem 0; }
aside th { background: none; font-weight: 400; color: var(--muted); text-align: left; padding-left: 0; }
aside td { white-space: normal; padding-right: 0; }
aside button { margin: 0.1rem 0.2rem 0.1rem 0; font-size: 0.82rem; }
kbd { font: inherit; border: 1px solid var(--line); border-radius: 3px; padding: 0 0.3em; background: var(--raised); }
@media (max-width: 700px) {
  body { grid-template: "bar" auto "stage" 1fr "panel" auto / 1fr; padding: 0; }
  aside { border-left: 0; border-top: 1px solid var(--line); max-height: 38vh; padding: 0.5rem 0.8rem; }
  header { padding: 0.4rem 0.6rem; gap: 0.3rem 0.5rem; }
  header .note { flex-basis: 60%; order: 1; font-size: 0.8rem; }
  #found { text-align: right; }
  header input { flex: 1 1 7rem; width: 7rem; }
  #keys { display: none; }
}
@media print { header button, header input, aside { display: none; } body { display: block; height: auto; } }
"""
