// The tables and the downloads of the report.
const ROWS_AT_ONCE = 20;

// Return a column of choices and codes as an array of values; null for a missing one.
const values = (column) => column.codes.map((code) => (code < 0 ? null : column.choices[code]));

function picker(label, choices, chosen, change) {
  const select = element("select", { onchange: () => change(select.value) });
  for (const [value, text] of choices) select.append(element("option", { value, textContent: text }));
  select.value = chosen;
  return element("label", {}, label, select);
}

const minus = (text) => text.replace("-", "\u2212");

// Return a metric's number as text: shares in per cent, others with a thousands separator.
function written(value, unit) {
  if (value == null) return "";
  if (unit === "share") return minus((100 * value).toFixed(1));
  return minus(value.toLocaleString("en", { maximumSignificantDigits: 4 }));
}

const unitLabel = (unit) => (unit === "share" ? "%" : unit);

// A table with sorting, filtering and paging. columns: label, text, and value to sort by.
class Table {
  constructor(id, pickers, rowsOf, columns) {
    Object.assign(this, { id, pickers, rowsOf, columns, sorted: null, down: false, find: "", shown: ROWS_AT_ONCE });
    this.root = document.getElementById(id);
    this.body = element("tbody");
    this.heads = columns.map((column) => this.head(column));
    this.status = element("p", { ariaLive: "polite" });
    this.more = element("button", { type: "button", textContent: "Show more", onclick: () => this.grow() });
    const csv = element("button", { type: "button", textContent: "Download these rows (CSV)", onclick: () => this.save() });
    const table = element("table", {},
      element("caption", { textContent: this.root.dataset.caption }),
      element("thead", {}, element("tr", {}, ...this.heads)), this.body);
    const region = element("div", { className: "scroll", role: "region", tabIndex: 0 }, table);
    region.setAttribute("aria-labelledby", `${id}-title`);
    this.root.replaceChildren(this.controls(), region, element("div", { className: "below" }, this.status, this.more, csv));
    this.draw();
  }

  controls() {
    const made = pickersOf(this.pickers, () => this.restart());
    const search = element("input", { type: "search", oninput: () => { this.find = search.value.toLowerCase(); this.restart(); } });
    return element("div", { className: "controls" }, ...made, element("label", {}, "Find", search));
  }

  head(column) {
    const button = element("button", { type: "button", textContent: column.label, onclick: () => this.sort(column) });
    const made = element("th", { scope: "col", className: column.number ? "number" : "" }, button);
    made.setAttribute("aria-sort", "none");
    return made;
  }

  sort(column) {
    this.down = this.sorted === column ? !this.down : Boolean(column.number);
    this.sorted = column;
    this.columns.forEach((each, place) => {
      const state = each === column ? (this.down ? "descending" : "ascending") : "none";
      this.heads[place].setAttribute("aria-sort", state);
    });
    this.restart();
  }

  restart() {
    this.shown = ROWS_AT_ONCE;
    this.draw();
  }

  grow() {
    this.shown += 10 * ROWS_AT_ONCE;
    this.draw();
  }

  rows() {
    const chosen = Object.fromEntries(this.pickers.map((each) => [each.name, each.chosen]));
    let rows = this.rowsOf(chosen);
    if (this.find) rows = rows.filter((row) => this.columns.some((column) => column.text(row).toLowerCase().includes(this.find)));
    if (this.sorted) {
      const key = this.sorted.value ?? this.sorted.text;
      rows = [...rows].sort((one, other) => compare(key(one), key(other)) * (this.down ? -1 : 1));
    }
    return rows;
  }

  draw() {
    const rows = this.rows();
    this.body.replaceChildren(...rows.slice(0, this.shown).map((row) => element("tr", {}, ...this.columns.map((column) =>
      element("td", { className: column.number ? "number" : column.wrap ? "wrap" : "", textContent: column.text(row) })))));
    const shown = Math.min(this.shown, rows.length);
    this.status.textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    this.more.hidden = shown === rows.length;
  }

  save() {
    const lines = [this.columns.map((column) => column.label), ...this.rows().map((row) => this.columns.map((column) => (column.number ? column.text(row) : asCell(column.text(row)))))];
    save(`${this.id}.csv`, lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n");
  }
}

// Compare numbers by size and texts alphabetically; missing values come last.
function compare(one, other) {
  if (one == null || other == null) return (one == null) - (other == null);
  return typeof one === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
}

function pickersOf(pickers, change) {
  return pickers.filter((each) => each.choices.length > 1).map((each) =>
    picker(each.label, each.choices, each.chosen, (value) => { each.chosen = value; change(); }));
}

// Return the varied keys of a line with their values, and its deletion set if the study has several.
function settingOf(data, columns, line) {
  const told = Object.keys(data.keys).filter((key) => columns[key][line] != null)
    .map((key) => `${data.keys[key]} ${columns[key][line]}`);
  if (data.studies[columns.study[line]].deletions > 1 && columns.entry[line] != null) told.push(columns.entry[line]);
  return told.join(", ");
}

// Return a study's name with its note, such as an attack planted on suspect data: it must be shown with its numbers.
const studyLabel = (data, name) => (data.studies[name].note ? `${name} (${data.studies[name].note})` : name);

// Return the class of a name "metric|class"; the class itself may contain a bar.
const classOf = (name) => name.slice(name.indexOf("|") + 1);

const opening = (columns) => Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, values(column)]));

function measureTable(id, data, matrix, extra) {
  const columns = opening(matrix.columns);
  const metrics = Object.keys(data.metrics).filter((metric) => `${metric}|` in matrix.values);
  const classes = [...new Set(Object.keys(matrix.values).map(classOf))].sort();
  const pickers = [
    { name: "study", label: "Study", choices: [["", "all"], ...Object.keys(data.studies).map((name) => [name, name])], chosen: "" },
    { name: "metric", label: "Metric", choices: metrics.map((metric) => [metric, data.metrics[metric].label]), chosen: firstMetric(data, metrics) },
    { name: "class_name", label: "Class", choices: classes.map((name) => [name, name || "all together"]), chosen: "" },
  ];
  const lines = columns.study.map((study, line) => ({
    study: studyLabel(data, study), name: study, line, setting: settingOf(data, columns, line),
    method: data.methods[columns.method[line]].label, other: columns.other && data.methods[columns.other[line]].label,
  }));
  const rowsOf = ({ study, metric, class_name }) => {
    const found = matrix.values[`${metric}|${class_name}`];
    if (!found) return [];
    const unit = data.metrics[metric].unit;
    return lines.filter((row) => found.mean[row.line] != null && (!study || row.name === study)).map((row) => ({
      ...row, unit, mean: found.mean[row.line], low: found.ci_low[row.line], high: found.ci_high[row.line],
      n: found.n[row.line], p: found.p_adjusted?.[row.line] ?? null,
    }));
  };
  const text = (name) => ({ label: name, text: (row) => row[name] ?? "", value: (row) => row[name] });
  return new Table(id, pickers, rowsOf, [
    text("study"), { ...text("setting"), wrap: true }, text("method"), ...extra.before.map((name) => text(name)),
    { label: extra.label, number: true, text: (row) => `${written(row.mean, row.unit)} ${unitLabel(row.unit)}`, value: (row) => row.mean },
    { label: "95 % interval", number: true, value: (row) => row.low, text: (row) => (row.low == null ? "" : `${written(row.low, row.unit)} to ${written(row.high, row.unit)}`) },
    { label: "seeds", number: true, text: (row) => String(row.n), value: (row) => row.n },
    ...extra.after,
  ]);
}

const firstMetric = (data, metrics) => ["adversarial_accuracy", "confused_accuracy", ...metrics].find((metric) => metrics.includes(metric));

function recordTable(data) {
  const columns = opening(data.records);
  const steps = [...new Set(columns.step)].sort();
  const rows = columns.step.map((step, line) => {
    const levels = ["dataset", "poison", "training", "deletion", "method"].map((level) => columns[level][line]).filter((each) => each != null);
    return { step, what: levels.join(" / "), seed: columns.seed[line], commit: columns.commit[line] ?? "not known",
      device: columns.device[line], finished: columns.finished[line], record: columns.record[line] };
  });
  const pickers = [{ name: "step", label: "Step", choices: [["", "all"], ...steps.map((step) => [step, step.replaceAll("_", " ")])], chosen: "" }];
  const text = (name) => ({ label: name, text: (row) => String(row[name] ?? ""), value: (row) => row[name] });
  return new Table("records", pickers, ({ step }) => rows.filter((row) => !step || row.step === step), [
    { label: "step", text: (row) => row.step.replaceAll("_", " ") }, text("what"), text("seed"),
    { label: "commit", text: (row) => row.commit.slice(0, 10) }, text("device"), text("finished"), text("record"),
  ]);
}

// Show a table without further processing.
function plainTable(name, columns) {
  const opened = opening(columns);
  const names = Object.keys(opened);
  const rows = opened[names[0]].map((_, line) => Object.fromEntries(names.map((each) => [each, opened[each][line]])));
  return new Table(`other-${name}`, [], () => rows, names.map((each) => ({
    label: each.replaceAll("_", " "), number: opened[each].every((value) => value == null || typeof value === "number"),
    text: (row) => (typeof row[each] === "number" ? written(row[each]) : String(row[each] ?? "")), value: (row) => row[each],
  })));
}

async function start() {
  document.getElementById("download").onclick = async () => save("results.csv", await opened("csv"));
  const data = JSON.parse(await opened("data"));
  whenOpen(document.getElementById("explore"), () => drawChart(data));
  measureTable("means", data, data.cells, { label: "mean", before: [], after: [] });
  const p = { label: "p", number: true, value: (row) => row.p, text: (row) => (row.p == null ? "" : row.p < 0.001 ? "< 0.001" : row.p.toFixed(3)) };
  measureTable("comparisons", data, data.pairs, { label: "difference", before: ["other"], after: [p] });
  for (const [name, columns] of Object.entries(data.others)) plainTable(name, columns);
  recordTable(data);
  document.body.dataset.ready = "yes";
}

start().then(openTarget);
