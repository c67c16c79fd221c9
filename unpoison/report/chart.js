// The interactive view: a chart of one study and metric over one varied key, by Vega-Lite.
const NUDGE = 0.012; // sideways shift between methods at one place, as a share of the axis, so that intervals do not overlap
const FARTHEST = 0.1; // largest shift of a method, as a share of the distance between two places
const FEW = 8; // methods that are ticked at first if there are more: the references, EU, CF and the best others
const FIRST = ["do_nothing", "oracle", "retrain", "finetune"];

function drawChart(data) {
  const columns = opening(data.cells.columns);
  const studies = Object.keys(data.studies);
  const state = { study: studies[0], metric: null, class_name: "", over: null, fixed: {}, hidden: new Set() };
  const labels = { ...data.keys, entry: "deletion set", method: "method" };

  const linesOf = (study) => columns.study.flatMap((name, line) => (name === study ? [line] : []));
  const choicesOf = (key) => [...new Set(linesOf(state.study).map((line) => columns[key][line]))].filter((value) => value != null).sort(compare);
  const keysOf = () => [...data.studies[state.study].vary, "entry"].filter((key) => key in columns && choicesOf(key).length > 1);
  const isNumeric = (key) => key !== "method" && choicesOf(key).every((value) => typeof value === "number");

  // The choices of each control depend on the controls before it; the study is the first.
  function settle() {
    const measured = Object.keys(data.cells.values).filter((name) => linesOf(state.study).some((line) => data.cells.values[name].mean[line] != null));
    const metrics = Object.keys(data.metrics).filter((metric) => measured.includes(`${metric}|`));
    if (!metrics.includes(state.metric)) state.metric = firstMetric(data, metrics);
    const classes = measured.filter((name) => name.startsWith(`${state.metric}|`)).map(classOf).sort();
    if (!classes.includes(state.class_name)) state.class_name = "";
    const over = [...keysOf(), "method"];
    const longest = keysOf().filter(isNumeric).sort((one, other) => choicesOf(other).length - choicesOf(one).length)[0];
    if (!over.includes(state.over)) state.over = longest ?? over[0];
    const fixed = keysOf().filter((key) => key !== state.over);
    state.fixed = Object.fromEntries(fixed.map((key) => {
      const choices = choicesOf(key);
      return [key, choices.includes(state.fixed[key]) ? state.fixed[key] : choices[0]];
    }));
    return { metrics, classes, over, fixed };
  }

  function controls() {
    const { metrics, classes, over, fixed } = settle();
    const change = (name, read = (value) => value) => (value) => { state[name] = read(value); draw(name); };
    const pickers = [
      ["Study", studies.map((name) => [name, studyLabel(data, name)]), state.study, change("study")],
      ["Metric", metrics.map((metric) => [metric, data.metrics[metric].label]), state.metric, change("metric")],
      ["Class", classes.map((name) => [name, name || "all together"]), state.class_name, change("class_name")],
      ["Over", over.map((key) => [key, labels[key]]), state.over, change("over")],
      ...fixed.map((key) => [labels[key], choicesOf(key).map((value, place) => [place, String(value)]), choicesOf(key).indexOf(state.fixed[key]),
        (place) => { state.fixed[key] = choicesOf(key)[place]; draw(labels[key]); }]),
    ];
    const form = document.getElementById("choices");
    form.replaceChildren(...pickers.filter(([, choices]) => choices.length > 1).map((each) => picker(...each)));
    form.onsubmit = (event) => event.preventDefault();
  }

  function points() {
    const found = data.cells.values[`${state.metric}|${state.class_name}`];
    const unit = data.metrics[state.metric].unit;
    return linesOf(state.study).filter((line) => found.mean[line] != null && Object.entries(state.fixed).every(([key, value]) =>
      columns[key][line] == null || columns[key][line] === value)).map((line) => ({
      method: columns.method[line], label: data.methods[columns.method[line]].label, place: columns[state.over][line],
      mean: found.mean[line], low: found.n[line] > 2 ? found.ci_low[line] : null, high: found.n[line] > 2 ? found.ci_high[line] : null,
      told: `${written(found.mean[line], unit)} ${unitLabel(unit)}`, seeds: found.n[line],
      interval: found.n[line] > 2 ? `${written(found.ci_low[line], unit)} to ${written(found.ci_high[line], unit)}` : "too few seeds",
    }));
  }

  // If there are many methods, tick those of FIRST, then the best by their mean over all points of the chart.
  function tickFew(all) {
    const sums = new Map();
    for (const { method, mean } of all) sums.set(method, [...(sums.get(method) ?? []), mean]);
    const score = (method) => sums.get(method).reduce((sum, mean) => sum + mean, 0) / sums.get(method).length;
    const sign = data.metrics[state.metric].better === false ? 1 : -1;
    const names = Object.keys(data.methods).filter((method) => sums.has(method));
    const others = names.filter((method) => !FIRST.includes(method)).sort((one, other) => sign * (score(one) - score(other)));
    const ticked = names.length <= FEW ? names : [...FIRST.filter((method) => sums.has(method)), ...others].slice(0, FEW);
    state.hidden = new Set(names.filter((method) => !ticked.includes(method)));
  }

  function methods(all) {
    const box = document.getElementById("methods");
    const boxes = Object.keys(data.methods).filter((method) => all.some((point) => point.method === method)).map((method) => {
      const input = element("input", { type: "checkbox", checked: !state.hidden.has(method) });
      input.onchange = () => { input.checked ? state.hidden.delete(method) : state.hidden.add(method); draw("methods"); };
      const sample = element("span");
      sample.innerHTML = swatch(data.methods[method]);
      return element("label", {}, input, sample, data.methods[method].label);
    });
    const tick = (textContent, change) => element("button", { type: "button", textContent, onclick: () => {
      change();
      methods(all);
      draw("methods");
      [...box.querySelectorAll("button")].find((button) => button.textContent === textContent).focus();
    } });
    const buttons = boxes.length > FEW ? [tick("All", () => state.hidden.clear()), tick("Few", () => tickFew(all))] : [];
    box.replaceChildren(element("legend", { textContent: "Methods" }), ...boxes, ...buttons);
  }

  function draw(changed) {
    const hadFocus = document.activeElement?.closest("label")?.firstChild?.textContent;
    if (changed !== "methods") controls();
    if (hadFocus && changed !== "methods") [...document.querySelectorAll("#choices label")].find((label) => label.firstChild.textContent === hadFocus)?.querySelector("select").focus();
    const all = points();
    if (changed === "study") tickFew(all);
    if (changed !== "methods") methods(all);
    const shown = all.filter((point) => !state.hidden.has(point.method));
    const metric = data.metrics[state.metric];
    const title = state.class_name ? `${metric.label}, ${state.class_name}` : metric.label;
    const spec = chartSpec(shown, data.methods, { title, metric: metric.label, unit: metric.unit, over: labels[state.over], numeric: isNumeric(state.over) });
    document.getElementById("chart-note").textContent = [`${title}: ${metric.note}`, data.studies[state.study].note].filter(Boolean).join(" This is a ");
    vegaEmbed("#chart", spec, { actions: false, renderer: "svg", tooltip: { theme: "custom" } });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw("colours"));
  draw("study");
}

const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// On a dark page, lighten the colours that are too dark for it; black becomes the page's text colour.
function onPage(colour) {
  if (!matchMedia("(prefers-color-scheme: dark)").matches) return colour;
  if (colour === "#000000") return colourOf("--ink");
  const parts = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  const light = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  const share = light < 110 ? 0.4 : 0;
  return `rgb(${parts.map((part) => Math.round(part + (255 - part) * share)).join(",")})`;
}

const PATHS = {
  circle: "M12,3a5,5 0 1,0 .01,0Z", square: "M7.5,3.5h9v9h-9Z", diamond: "M12,2l6,6l-6,6l-6,-6Z", "triangle-up": "M12,3l5.5,10h-11Z",
  "triangle-down": "M12,13l5.5,-10h-11Z", "triangle-left": "M6,8l10,-5.5v11Z", "triangle-right": "M18,8l-10,-5.5v11Z",
  cross: "M10,3h4v3h3v4h-3v3h-4v-3h-3v-4h3Z", wedge: "M12,2l3,12h-6Z",
};

function swatch(look) {
  const colour = onPage(look.colour);
  return `<svg width="24" height="16" aria-hidden="true"><path d="M0,8H24" stroke="${colour}" stroke-width="2" stroke-dasharray="${look.dash}"/>` +
    `<path d="${PATHS[look.shape]}" fill="${colour}"/></svg>`;
}

// Return the distance between two methods that are drawn at one place; places: ascending.
function nudge(places, methods) {
  const gaps = places.slice(1).map((place, index) => place - places[index]);
  const most = (FARTHEST * Math.min(...gaps)) / Math.max((methods - 1) / 2, 1);
  return gaps.length ? Math.min(NUDGE * (places.at(-1) - places[0]), most) : NUDGE;
}

function chartSpec(points, looks, { title, metric, unit, over, numeric }) {
  const methods = Object.keys(looks).filter((method) => points.some((point) => point.method === method));
  const scale = (part) => ({ domain: methods, range: methods.map(part) });
  const placed = points.filter((point) => point.place != null);
  const across = points.filter((point) => point.place == null); // a reference does not depend on the axis
  if (numeric) {
    const step = nudge([...new Set(placed.map((point) => point.place))].sort(compare), methods.length);
    for (const point of placed) point.x = point.place + (methods.indexOf(point.method) - (methods.length - 1) / 2) * step;
  } else for (const point of placed) point.x = String(point.place === point.method ? looks[point.method].label : point.place);
  const ticks = numeric ? [...new Set(placed.map((point) => point.place))].sort(compare) : undefined;
  const format = unit === "share" ? ".0%" : "~s";
  const x = { field: "x", type: numeric ? "quantitative" : "nominal", title: over, sort: null,
    scale: numeric ? { zero: false, padding: 24 } : undefined, axis: numeric ? { values: ticks, format: "~g" } : { labelAngle: 0 } };
  const y = { field: "mean", type: "quantitative", title: `${title}${unit === "share" ? "" : ` (${unit})`}`, axis: { format, tickCount: 6 }, scale: { zero: unit !== "share", nice: true } };
  const color = { field: "method", type: "nominal", scale: scale((method) => onPage(looks[method].colour)), legend: null };
  const strokeDash = { field: "method", type: "nominal", scale: scale((method) => looks[method].dash), legend: null };
  const shape = { field: "method", type: "nominal", scale: scale((method) => looks[method].shape), legend: null };
  const xOffset = numeric || over === "method" ? undefined : { field: "method", type: "nominal", sort: methods };
  const tooltip = [["label", "method"], ["place", over], ["told", metric], ["interval", "95 % interval"], ["seeds", "seeds"]]
    .filter(([field, label]) => field !== "place" || label !== "method").map(([field, label]) => ({ field, title: label, type: "nominal" }));
  const still = { aria: false };
  const layer = [];
  if (placed.length) layer.push(
    ...(numeric ? [{ data: { values: placed }, mark: { type: "line", strokeWidth: 2, ...still }, encoding: { x, y, color, strokeDash } }] : []),
    { data: { values: placed.filter((point) => point.low != null) }, mark: { type: "rule", strokeWidth: 1.2, ...still },
      encoding: { x, xOffset, y: { ...y, field: "low" }, y2: { field: "high" }, color } },
    { data: { values: placed }, mark: { type: "point", filled: true, size: 90, opacity: 1, ...still }, encoding: { x, xOffset, y, color, shape, tooltip } });
  if (across.length) layer.push({ data: { values: across }, mark: { type: "rule", strokeWidth: 2, ...still }, encoding: { y, color, strokeDash, tooltip } });
  const [ink, soft, line] = ["--ink", "--soft", "--line"].map(colourOf);
  const names = methods.map((method) => looks[method].label).join(", ");
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", description: `${title} over ${over}, for ${names}. The values are in the table of means.`,
    width: "container", height: 340, autosize: { type: "fit", contains: "padding" }, background: null, layer,
    config: {
      font: "system-ui, sans-serif", view: { stroke: null }, lineBreak: "\n",
      axis: { ...still, labelColor: soft, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 13, titleFontWeight: 500, titlePadding: 10 },
      axisX: { grid: false },
      axisY: { titleLimit: 330 }, // the name of a class can be longer than the chart's height
    },
  };
}
