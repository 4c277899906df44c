// Keeps a map's points in the page: they are sent once, however often what lies over them changes.
const KEPT = 4; // pictures of one map: the browser may be told of one before the latest once more

export default function (component) {
  const { slot, key, glides, view, figure } = component.data;
  const maps = (globalThis.rankscopeMaps ??= {});
  const held = (maps[slot] ??= new Map());
  if (held.has(key)) return;
  held.set(key, { key, glides, view, figure: JSON.parse(figure) });
  while (held.size > KEPT) held.delete(held.keys().next().value);
}
