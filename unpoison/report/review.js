// The review of suspicious rows: contact sheets by class, decisions by click and key, and a CSV file of the decisions.
const PIXELS = "data:image/webp;base64,";

// Return a text with codes for letters that change its direction or break its line.
const shownText = (text) => text.replace(/[\p{C}\u2028\u2029]/gu, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);

class Decisions {
  constructor(data) {
    this.rows = data.rows.map(([path, label, score, votes, action, read, confidence], place) =>
      ({ place, path, label, score, votes, action, read, confidence, image: data.images[place] }));
    this.key = `unpoison:scan:${data.scan}`;
    this.marked = this.rows.map((row) => row.action === "remove");
    this.past = [];
    this.kept = true;
    this.load();
  }

  // Only decisions that differ from the suggestion are stored.
  load() {
    try {
      for (const place of JSON.parse(localStorage.getItem(this.key) ?? "[]")) if (place in this.marked) this.marked[place] = !this.marked[place];
    } catch { this.kept = false; }
  }

  keep() {
    const changed = this.rows.filter((row) => this.marked[row.place] !== (row.action === "remove")).map((row) => row.place);
    try { localStorage.setItem(this.key, JSON.stringify(changed)); } catch { this.kept = false; }
  }

  set(places, isMarked) {
    const changed = places.filter((place) => this.marked[place] !== isMarked);
    for (const place of changed) this.marked[place] = isMarked;
    if (changed.length) this.past.push(changed);
    this.keep();
    return changed;
  }

  undo() {
    const changed = this.past.pop() ?? [];
    for (const place of changed) this.marked[place] = !this.marked[place];
    this.keep();
    return changed;
  }

  csv() {
    const lines = this.rows.map((row) => [asCell(row.path), asCell(row.label), row.score, asCell(row.votes.join(" ")),
      this.marked[row.place] ? "remove" : "keep"].map(quoted).join(","));
    return ["path,given_label,score,votes,action", ...lines, ""].join("\n");
  }
}

const perCent = (share) => (share == null ? "" : `, ${(100 * share).toFixed(0)}\u00a0%`);
const readAs = (row) => (row.read == null ? "not checked" : `predicted ${shownText(row.read)}${perCent(row.confidence)}`);
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

class Review {
  constructor(data) {
    this.decisions = new Decisions(data);
    this.tiles = new Map();
    this.heads = new Map();
    this.lazy = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      target.src = PIXELS + this.decisions.rows[target.dataset.place].image;
      this.lazy.unobserve(target);
    }), { rootMargin: "400px" });
    const sheets = data.classes.map((each) => this.sheet(each, data.typical[each.name]));
    document.getElementById("sheets").replaceChildren(...sheets, this.bar());
    document.getElementById("review").addEventListener("keydown", (event) => this.press(event));
    this.draw(this.decisions.rows.map((row) => row.place));
    this.look(this.decisions.rows[0]);
  }

  sheet({ name, open }, typical) {
    const rows = this.decisions.rows.filter((row) => row.label === name);
    const places = rows.map((row) => row.place);
    const told = element("span", { className: "note" });
    this.heads.set(name, { told, places });
    const grid = element("ul", { className: "grid" }, ...rows.filter((row) => row.image).map((row) => this.tile(row)));
    grid.setAttribute("aria-label", `Suspicious rows with label ${shownText(name)}`);
    grid.querySelector("button").tabIndex = 0;
    const all = (text, isMarked) => element("button", { type: "button", textContent: text, onclick: () => this.draw(this.decisions.set(places, isMarked)) });
    const beside = typical.length ? [element("figure", { className: "typical" }, element("figcaption", {}, "Typical ", element("b", { dir: "auto", textContent: shownText(name) })),
      element("div", {}, ...typical.map((image) => element("img", { className: "thumbnail", src: PIXELS + image, alt: "", width: 64, height: 64 }))))] : [];
    const title = element("summary", {}, element("b", { dir: "auto", textContent: shownText(name) }), " ", told);
    return element("details", { className: "sheet", open }, title,
      element("div", { className: "buttons" }, all("Delete all of this class", true), all("Keep all of this class", false)),
      element("div", { className: "sides" }, ...beside, grid));
  }

  tile(row) {
    const image = element("img", { className: "thumbnail", alt: "", width: 64, height: 64 });
    image.dataset.place = row.place;
    this.lazy.observe(image);
    const read = element("span", { className: "label", dir: "auto", textContent: row.read == null ? "" : shownText(row.read) });
    const tile = element("button", { type: "button", className: "tile", tabIndex: -1 }, image, read, element("span", { className: "state" }));
    tile.setAttribute("aria-label", `${shownText(row.path)}, label ${shownText(row.label)}, ${readAs(row)}: delete`);
    tile.onclick = () => { tile.focus(); this.draw(this.decisions.set([row.place], !this.decisions.marked[row.place])); };
    tile.onfocus = () => this.take(row);
    tile.onmouseenter = () => this.look(row);
    this.tiles.set(row.place, tile);
    return element("li", {}, tile);
  }

  bar() {
    this.zoom = element("img", { className: "thumbnail", alt: "", width: 64, height: 64 });
    this.path = element("span", { className: "path", dir: "auto" });
    this.facts = element("span", { className: "note" });
    this.status = element("p", { role: "status" });
    const act = (text, change, className) => element("button", { type: "button", textContent: text, onclick: change, className });
    return element("div", { className: "bar" }, this.zoom, element("p", {}, this.path, this.facts),
      element("div", { className: "end" }, this.status, act("Undo", () => this.draw(this.decisions.undo()), ""), act("Save decisions.csv", () => this.save(), "main")));
  }

  save() { save("decisions.csv", this.decisions.csv()); }

  // Show the row under the mouse or the focus in the bar.
  look(row) {
    this.zoom.src = row.image ? PIXELS + row.image : "data:,";
    this.path.textContent = shownText(row.path);
    this.facts.textContent = `label ${shownText(row.label)}, ${readAs(row)}; score ${row.score.toFixed(2)}; ${row.votes.map(shownText).join(", ")}; suggested: ${row.action}`;
  }

  // Only one tile of a sheet is reached by the Tab key: the last one that had the focus.
  take(row) {
    const grid = this.tiles.get(row.place).closest(".grid");
    for (const tile of grid.querySelectorAll("[tabindex='0']")) tile.tabIndex = -1;
    this.tiles.get(row.place).tabIndex = 0;
    this.look(row);
  }

  draw(changed) {
    const { marked, rows } = this.decisions;
    for (const place of changed) {
      const tile = this.tiles.get(place);
      tile?.setAttribute("aria-pressed", String(marked[place]));
      if (tile) tile.querySelector(".state").textContent = marked[place] ? "delete" : "keep";
    }
    for (const { told, places } of this.heads.values())
      told.textContent = `${count(places.length, "suspicious row")}, ${places.filter((place) => marked[place]).length.toLocaleString("en")} marked for deletion`;
    this.status.textContent = `${marked.filter(Boolean).length.toLocaleString("en")} of ${count(rows.length, "row")} marked for deletion` +
      (this.decisions.kept ? "" : ". This browser keeps no decisions: save them before you close the page.");
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tile = event.target.closest(".tile");
    const acts = { s: () => this.save(), u: () => this.draw(this.decisions.undo()) };
    if (tile) {
      const place = Number(tile.querySelector("img").dataset.place);
      const places = this.heads.get(this.decisions.rows[place].label).places;
      const change = (which, isMarked) => () => this.draw(this.decisions.set(which, isMarked));
      Object.assign(acts, { d: change([place], true), k: change([place], false), a: change(places, true), n: change(places, false),
        ArrowLeft: () => this.move(tile, -1), ArrowRight: () => this.move(tile, 1), ArrowUp: () => this.move(tile, -1, true), ArrowDown: () => this.move(tile, 1, true) });
    }
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Move the focus to the next tile, or by a line of tiles; past the end of a sheet, into the next open one.
  move(tile, step, isLine = false) {
    const shown = [...document.querySelectorAll(".sheet[open] .tile")];
    const own = [...tile.closest(".grid").querySelectorAll(".tile")];
    const columns = isLine ? getComputedStyle(tile.closest(".grid")).gridTemplateColumns.split(" ").length : 1;
    const [place, start] = [own.indexOf(tile), shown.indexOf(own[0])];
    const isInside = place + step * columns >= 0 && place + step * columns < own.length;
    const other = isInside ? own[place + step * columns] : shown[step > 0 ? start + own.length : start - 1];
    other?.focus();
  }
}

async function start() {
  new Review(JSON.parse(await opened("data")));
  document.body.dataset.ready = "yes";
}

start();
