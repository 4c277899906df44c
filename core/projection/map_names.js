// Hides the names that would lie over one before them, and the largest cluster's comes first: zoomed in, there is room for more.
function declutter(graph) {
  const shown = [];
  const names = [...graph.querySelectorAll(".annotation")].sort((one, other) => one.dataset.index - other.dataset.index);
  for (const name of names) {
    const box = name.getBoundingClientRect();
    const covered = shown.some((other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
    name.style.visibility = covered ? "hidden" : "";
    if (!covered && box.width) shown.push(box);
  }
}
