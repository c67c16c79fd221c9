// A table that is wider than the screen scrolls. The theme wraps it after loading; the keyboard has to reach it.
document$.subscribe(() => requestAnimationFrame(() => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) table.tabIndex = 0;
}));
