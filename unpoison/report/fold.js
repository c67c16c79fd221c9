// Folded parts of a page: a link into one opens it, and printing opens all of them.
const folds = () => [...document.querySelectorAll("details")];

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", openTarget);
// A click on a link to the current hash fires no hashchange event.
document.addEventListener("click", (event) => {
  if (event.target.closest("a")?.hash === location.hash && location.hash) openTarget();
});

let closed = [];
addEventListener("beforeprint", () => {
  closed = folds().filter((part) => !part.open);
  for (const part of closed) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of closed) part.open = false;
});

// Call back once, as soon as a part is open: a chart has no width before.
function whenOpen(part, callback) {
  const call = () => {
    if (!part.open) return;
    part.removeEventListener("toggle", call);
    callback();
  };
  part.addEventListener("toggle", call);
  call();
}
