// Draws a map with plotly: the points that are kept in the page, and over them what the page sends anew.
const GLIDE = 1100; // milliseconds
const SETTLED = 60_000; // points above which a glide would stutter: they jump

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const ease = (t) => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

// Plotly decodes typed arrays that Python packed when it draws; gliding needs the numbers before.
const BUFFERS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array };
function numbers(packed) {
  if (!packed?.bdata) return packed;
  const bytes = Uint8Array.from(atob(packed.bdata), (sign) => sign.charCodeAt(0));
  return new BUFFERS[packed.dtype](bytes.buffer);
}

async function ready(slot, key) {
  for (let tries = 0; tries < 1200; tries++) {
    const kept = globalThis.rankscopeMaps?.[slot]?.get(key);
    if (globalThis.Plotly && kept) return kept;
    await wait(25);
  }
  throw new Error("The map's points did not come: reload the page");
}

function unpacked(kept) {
  if (kept.unpacked) return;
  for (const trace of kept.figure.data) {
    trace.x = numbers(trace.x);
    trace.y = numbers(trace.y);
    if (trace.marker?.color?.bdata) trace.marker.color = numbers(trace.marker.color);
  }
  kept.unpacked = true;
}

function themed(layout, style) {
  const ink = style.getPropertyValue("--st-text-color").trim() || "#31333f";
  const ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
  return {
    ...layout,
    font: { ...(layout.font ?? {}), color: ink },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: "#2f6fdd", orientation: "h" },
    legend: { ...(layout.legend ?? {}), bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: ground },
  };
}

function composed(kept, data, style, xs) {
  const opacity = data.overlay.dims ? data.dimmed : 1;
  const base = kept.figure.data.map((trace, at) => ({ ...trace, ...(xs ? xs[at] : {}), opacity }));
  const layout = themed(kept.figure.layout, style);
  return [[...base, ...data.overlay.data], { ...layout, height: data.height, annotations: xs ? [] : data.overlay.annotations, uirevision: kept.view }];
}

// A picture as lines and shapes that can be edited: WebGL's points are drawn as such up to 20,000 of them.
function asSvg(graph) {
  const points = graph.data.reduce((sum, trace) => sum + (trace.x?.length ?? 0), 0);
  const data = graph.data.map((trace) => (trace.type === "scattergl" && points <= 20_000 ? { ...trace, type: "scatter" } : trace));
  const layout = { ...graph.layout, xaxis: { ...graph.layout.xaxis, autorange: false }, yaxis: { ...graph.layout.yaxis, autorange: false }, paper_bgcolor: "#fff" };
  return globalThis.Plotly.downloadImage({ data, layout }, { format: "svg", filename: graph.rankscopeName, width: graph.clientWidth, height: graph.clientHeight });
}

function settings(name) {
  const icon = { width: 24, height: 24, path: "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8l-6-6zm-1 7V3.5L18.5 9H13z" };
  return {
    scrollZoom: true, displaylogo: false, displayModeBar: true, responsive: true, showSendToCloud: false, plotlyServerURL: "", // nothing leaves the machine
    toImageButtonOptions: { format: "png", filename: name, scale: 2 },
    modeBarButtonsToRemove: ["zoomIn2d", "zoomOut2d", "autoScale2d"],
    modeBarButtonsToAdd: [{ name: "Download picture as an SVG", icon, click: asSvg }],
  };
}

function listen(graph, state) {
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  graph.on("plotly_click", (event) => {
    const id = event.points.find((point) => point.customdata)?.customdata;
    if (id) state.component.setTriggerValue("clicked", { slot: state.data.slot, id });
  });
  graph.on("plotly_selected", (event) => {
    if (!event) return;
    const ids = [...new Set(event.points.map((point) => point.customdata).filter(Boolean))];
    state.component.setTriggerValue("caught", { slot: state.data.slot, ids });
  });
  graph.on("plotly_deselect", () => state.component.setTriggerValue("caught", { slot: state.data.slot, ids: [] }));
  graph.on("plotly_hover", (event) => {
    const point = event.points.find((found) => found.customdata);
    if (point) tell("rankscope-hover", { collection: state.data.collection, id: point.customdata, x: event.event.clientX, y: event.event.clientY });
  });
  graph.on("plotly_afterplot", () => declutter(graph));
  graph.on("plotly_unhover", () => tell("rankscope-unhover"));
}

// A picture that is drawn anew while the mouse drags a box loses the box, also while plotly still gathers what was caught: drawing waits.
const GATHERS = 300; // milliseconds; plotly's own delay is 100
function hold(graph, state) {
  graph.addEventListener("pointerdown", (down) => {
    const press = (state.pressed = {}), over = new AbortController();
    const release = (up) => {
      over.abort(); // the listeners go with the press: the window outlives this picture
      const dragged = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > 4;
      setTimeout(() => { if (state.pressed === press) state.pressed = undefined; }, dragged ? GATHERS : 0);
    };
    for (const name of ["pointerup", "pointercancel"]) globalThis.addEventListener(name, release, { capture: true, signal: over.signal });
  }, true);
}

async function released(state) {
  while (state.pressed) await wait(25);
}

async function glide(graph, before, kept, state, style) {
  const from = before.figure.data.map((trace) => ({ x: trace.x, y: trace.y }));
  const start = performance.now();
  for (let t = 0; t < 1 && state.kept === kept; ) {
    t = Math.min(1, (performance.now() - start) / GLIDE);
    const share = ease(t);
    const between = kept.figure.data.map((trace, at) => ({
      x: Float32Array.from(trace.x, (x, i) => from[at].x[i] + (x - from[at].x[i]) * share),
      y: Float32Array.from(trace.y, (y, i) => from[at].y[i] + (y - from[at].y[i]) * share),
    }));
    await released(state);
    await globalThis.Plotly.react(graph, ...composed(kept, state.data, style, between), settings(state.data.name));
    await new Promise(requestAnimationFrame);
  }
}

const alike = (one, other) =>
  one.glides === other.glides && one.figure.data.length === other.figure.data.length &&
  one.figure.data.every((trace, at) => trace.x.length === other.figure.data[at].x.length);
const size = (kept) => kept.figure.data.reduce((sum, trace) => sum + trace.x.length, 0);

async function draw(graph, state) {
  const turn = (state.turn = (state.turn ?? 0) + 1);
  const kept = await ready(state.data.slot, state.data.key);
  await released(state);
  if (turn !== state.turn) return; // something newer came while this one waited
  unpacked(kept);
  const style = getComputedStyle(graph);
  const before = state.kept;
  state.kept = kept;
  graph.rankscopeName = state.data.name;
  if (before && before !== kept && alike(before, kept) && size(kept) <= SETTLED) await glide(graph, before, kept, state, style);
  await released(state);
  if (turn !== state.turn) return;
  await globalThis.Plotly.react(graph, ...composed(kept, state.data, style), settings(state.data.name));
  const { focus } = state.data.overlay;
  if (state.data.zoomed && focus && state.zoomed !== state.data.zoomed) {
    await globalThis.Plotly.relayout(graph, { "xaxis.range": focus.slice(0, 2).map(Number), "yaxis.range": focus.slice(2).map(Number) });
  }
  state.zoomed = state.data.zoomed;
  graph.dataset.drawn = `${kept.key} ${state.data.version}`;
  if (!state.listening) {
    state.listening = true;
    declutter(graph);
    listen(graph, state);
    hold(graph, state);
  }
}

export default function (component) {
  const graph = component.parentElement.querySelector(".rs-map");
  const state = (graph.rankscope ??= {});
  state.component = component;
  state.data = component.data;
  graph.style.height = `${component.data.height}px`;
  draw(graph, state).catch((error) => {
    graph.textContent = String(error.message ?? error);
  });
}
