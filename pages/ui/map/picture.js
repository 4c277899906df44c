// Draws a map with plotly: the points that points.js keeps in the page, and over them what each rerun sends.
const ANIMATION = 1100; // milliseconds
const MAX_ANIMATED = 60_000; // points; more of them would stutter, so they jump

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const ease = (t) => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

// Plotly decodes the arrays that Python packed when it draws; the animation needs the numbers before.
const ARRAYS = {
  f4: Float32Array, f8: Float64Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array,
};
function decode(packed) {
  if (!packed?.bdata) return packed;
  const bytes = Uint8Array.from(atob(packed.bdata), (character) => character.charCodeAt(0));
  return new ARRAYS[packed.dtype](bytes.buffer);
}

function decodeTraces(picture) {
  if (picture.decoded) return;
  for (const trace of picture.figure.data) {
    trace.x = decode(trace.x);
    trace.y = decode(trace.y);
    if (trace.marker?.color?.bdata) trace.marker.color = decode(trace.marker.color);
  }
  picture.decoded = true;
}

// Plotly's script and the points come by components of their own, sometimes after this one.
async function loaded(slot, key) {
  for (let tries = 0; tries < 1200; tries++) {
    const picture = globalThis.rankscopeMaps?.[slot]?.get(key);
    if (globalThis.Plotly && picture) return picture;
    await wait(25);
  }
  throw new Error("The map's points did not come: reload the page");
}

function themed(layout, style) {
  const color = style.getPropertyValue("--st-text-color").trim() || "#31333f";
  const background = style.getPropertyValue("--st-background-color").trim() || "#fff";
  return {
    ...layout,
    font: { ...(layout.font ?? {}), color },
    modebar: { bgcolor: "rgba(0,0,0,0)", color, activecolor: "#2f6fdd", orientation: "h" },
    legend: { ...(layout.legend ?? {}), bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: background },
  };
}

// The traces and the layout to draw; `positions` replace those of the points while they are animated.
function composed(picture, data, style, positions) {
  const opacity = data.overlay.dims ? data.dimmed : 1;
  const points = picture.figure.data.map((trace, index) => ({ ...trace, ...(positions?.[index] ?? {}), opacity }));
  const layout = {
    ...themed(picture.figure.layout, style),
    height: data.height,
    annotations: positions ? [] : data.overlay.annotations,
    uirevision: picture.layoutKey,
  };
  return [[...points, ...data.overlay.data], layout];
}

// An SVG of lines and shapes that can be edited: up to 20,000 points are drawn without WebGL, which makes an image.
function downloadSvg(graph) {
  const points = graph.data.reduce((sum, trace) => sum + (trace.x?.length ?? 0), 0);
  const data = graph.data.map((trace) =>
    trace.type === "scattergl" && points <= 20_000 ? { ...trace, type: "scatter" } : trace);
  const layout = {
    ...graph.layout,
    xaxis: { ...graph.layout.xaxis, autorange: false },
    yaxis: { ...graph.layout.yaxis, autorange: false },
    paper_bgcolor: "#fff",
  };
  const size = { width: graph.clientWidth, height: graph.clientHeight };
  return globalThis.Plotly.downloadImage({ data, layout }, { format: "svg", filename: graph.rankscopeName, ...size });
}

function settings(name) {
  const path = "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8l-6-6zm-1 7V3.5L18.5 9H13z";
  const svg = { name: "Download picture as an SVG", icon: { width: 24, height: 24, path }, click: downloadSvg };
  return {
    scrollZoom: true, displaylogo: false, displayModeBar: true, responsive: true,
    showSendToCloud: false, plotlyServerURL: "", // nothing leaves the machine
    toImageButtonOptions: { format: "png", filename: name, scale: 2 },
    modeBarButtonsToRemove: ["zoomIn2d", "zoomOut2d", "autoScale2d"],
    modeBarButtonsToAdd: [svg],
  };
}

function listen(graph, state) {
  const dispatch = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const trigger = (name, value) => state.component.setTriggerValue(name, { slot: state.data.slot, ...value });
  graph.on("plotly_click", (event) => {
    const id = event.points.find((point) => point.customdata)?.customdata;
    if (id) trigger("clicked", { id });
  });
  graph.on("plotly_selected", (event) => {
    if (!event) return;
    const ids = [...new Set(event.points.map((point) => point.customdata).filter(Boolean))];
    trigger("selected", { ids });
  });
  graph.on("plotly_deselect", () => trigger("selected", { ids: [] }));
  graph.on("plotly_hover", ({ points, event }) => {
    const id = points.find((point) => point.customdata)?.customdata;
    if (id) dispatch("rankscope-hover", { collection: state.data.collection, id, x: event.clientX, y: event.clientY });
  });
  graph.on("plotly_unhover", () => dispatch("rankscope-unhover"));
  graph.on("plotly_afterplot", () => declutter(graph));
}

// A redraw during the drag of a box would lose the box, also while plotly still gathers the points in it, so drawing
// waits until `state.pressed` is unset.
const GATHERING = 300; // milliseconds; plotly's own delay is 100
function trackPresses(graph, state) {
  graph.addEventListener("pointerdown", (down) => {
    const press = (state.pressed = {}), listeners = new AbortController();
    const release = (up) => {
      listeners.abort(); // the window outlives this picture
      const dragged = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > 4;
      setTimeout(() => { if (state.pressed === press) state.pressed = undefined; }, dragged ? GATHERING : 0);
    };
    const options = { capture: true, signal: listeners.signal };
    for (const name of ["pointerup", "pointercancel"]) globalThis.addEventListener(name, release, options);
  }, true);
}

async function released(state) {
  while (state.pressed) await wait(25);
}

async function animate(graph, previous, picture, state, style) {
  const from = previous.figure.data.map((trace) => ({ x: trace.x, y: trace.y }));
  const start = performance.now();
  for (let t = 0; t < 1 && state.picture === picture; ) {
    t = Math.min(1, (performance.now() - start) / ANIMATION);
    const share = ease(t);
    const positions = picture.figure.data.map((trace, index) => ({
      x: Float32Array.from(trace.x, (x, i) => from[index].x[i] + (x - from[index].x[i]) * share),
      y: Float32Array.from(trace.y, (y, i) => from[index].y[i] + (y - from[index].y[i]) * share),
    }));
    await released(state);
    await globalThis.Plotly.react(graph, ...composed(picture, state.data, style, positions), settings(state.data.name));
    await new Promise(requestAnimationFrame);
  }
}

const samePoints = (one, other) =>
  one.pointsKey === other.pointsKey && one.figure.data.length === other.figure.data.length &&
  one.figure.data.every((trace, index) => trace.x.length === other.figure.data[index].x.length);
const size = (picture) => picture.figure.data.reduce((sum, trace) => sum + trace.x.length, 0);

async function draw(graph, state) {
  const turn = (state.turn = (state.turn ?? 0) + 1);
  const picture = await loaded(state.data.slot, state.data.key);
  await released(state);
  if (turn !== state.turn) return; // newer data came while this waited
  decodeTraces(picture);
  const style = getComputedStyle(graph);
  const previous = state.picture;
  state.picture = picture;
  graph.rankscopeName = state.data.name;
  if (previous && previous !== picture && samePoints(previous, picture) && size(picture) <= MAX_ANIMATED)
    await animate(graph, previous, picture, state, style);
  await released(state);
  if (turn !== state.turn) return;
  await globalThis.Plotly.react(graph, ...composed(picture, state.data, style), settings(state.data.name));
  const { focus } = state.data.overlay;
  if (state.data.zoomCount && focus && state.zoomCount !== state.data.zoomCount) {
    const [left, right, bottom, top] = focus.map(Number);
    await globalThis.Plotly.relayout(graph, { "xaxis.range": [left, right], "yaxis.range": [bottom, top] });
  }
  state.zoomCount = state.data.zoomCount;
  graph.dataset.drawn = `${picture.key} ${state.data.version}`;
  if (!state.listening) {
    state.listening = true;
    declutter(graph);
    listen(graph, state);
    trackPresses(graph, state);
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
