// The card beside the mouse: the start of a chunk's text, asked for when a point is hovered over, and kept.
const DELAY = 90; // milliseconds that the mouse must rest
const known = new Map();

function place(card, at) {
  const width = Math.min(420, globalThis.innerWidth - 24);
  card.style.maxWidth = `${width}px`;
  card.style.left = `${Math.max(8, at.x + 18 + width > globalThis.innerWidth ? at.x - width - 18 : at.x + 18)}px`;
  card.style.top = `${Math.max(8, Math.min(at.y + 14, globalThis.innerHeight - card.offsetHeight - 12))}px`;
}

function show(card, at) {
  const said = known.get(`${at.collection} ${at.id}`);
  if (!said) return false;
  for (const part of ["document", "place", "text"]) card.querySelector(`.rs-card-${part}`).textContent = said[part];
  card.style.display = "block";
  place(card, at);
  return true;
}

export default function (component) {
  const card = component.parentElement.querySelector(".rs-map-card");
  const state = (card.rankscope ??= { at: null, timer: 0 });
  state.component = component;
  for (const said of component.data.said) known.set(`${said.collection} ${said.id}`, said);
  if (state.at) show(card, state.at);
  if (state.listening) return;
  state.listening = true;
  const over = ({ detail }) => {
    clearTimeout(state.timer);
    state.at = detail;
    if (show(card, detail)) return;
    card.style.display = "none";
    state.timer = setTimeout(() => state.component.setTriggerValue("asked", { collection: detail.collection, id: detail.id }), DELAY);
  };
  const out = () => {
    clearTimeout(state.timer);
    state.at = null;
    card.style.display = "none";
  };
  document.addEventListener("rankscope-hover", over);
  document.addEventListener("rankscope-unhover", out);
  return () => {
    document.removeEventListener("rankscope-hover", over);
    document.removeEventListener("rankscope-unhover", out);
    card.rankscope = undefined;
  };
}
