// The card beside the mouse: the start of a chunk's text, requested when the mouse is over its point, then kept.
const DELAY = 90; // milliseconds that the mouse must rest on a point
const texts = new Map(); // by collection and chunk id

function place(card, { x, y }) {
  const width = Math.min(420, globalThis.innerWidth - 24);
  card.style.maxWidth = `${width}px`;
  card.style.left = `${Math.max(8, x + 18 + width > globalThis.innerWidth ? x - width - 18 : x + 18)}px`;
  card.style.top = `${Math.max(8, Math.min(y + 14, globalThis.innerHeight - card.offsetHeight - 12))}px`;
}

function show(card, hovered) {
  const text = texts.get(`${hovered.collection} ${hovered.id}`);
  if (!text) return false;
  for (const part of ["document", "place", "text"]) card.querySelector(`.rs-card-${part}`).textContent = text[part];
  card.style.display = "block";
  place(card, hovered);
  return true;
}

export default function (component) {
  const card = component.parentElement.querySelector(".rs-map-card");
  const state = (card.rankscope ??= { hovered: null, timer: 0 });
  state.component = component;
  for (const text of component.data.texts) texts.set(`${text.collection} ${text.id}`, text);
  if (state.hovered) show(card, state.hovered);
  if (state.listening) return;
  state.listening = true;
  const onHover = ({ detail }) => {
    clearTimeout(state.timer);
    state.hovered = detail;
    if (show(card, detail)) return;
    card.style.display = "none";
    const request = { collection: detail.collection, id: detail.id };
    state.timer = setTimeout(() => state.component.setTriggerValue("requested", request), DELAY);
  };
  const onUnhover = () => {
    clearTimeout(state.timer);
    state.hovered = null;
    card.style.display = "none";
  };
  document.addEventListener("rankscope-hover", onHover);
  document.addEventListener("rankscope-unhover", onUnhover);
  return () => {
    document.removeEventListener("rankscope-hover", onHover);
    document.removeEventListener("rankscope-unhover", onUnhover);
    card.rankscope = undefined;
  };
}
