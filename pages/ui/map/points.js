// Keeps a map's points in the page: they are sent once, however often what is drawn over them changes.
const MAX_KEPT = 4; // pictures of one slot; the browser may draw one before the latest again

export default function (component) {
  const { slot, key, pointsKey, layoutKey, figure } = component.data;
  const slots = (globalThis.rankscopeMaps ??= {});
  const pictures = (slots[slot] ??= new Map());
  if (pictures.has(key)) return;
  pictures.set(key, { key, pointsKey, layoutKey, figure: JSON.parse(figure) });
  while (pictures.size > MAX_KEPT) pictures.delete(pictures.keys().next().value);
}
