// Run in an exported page after map_names.js; plotly puts the graph's id in the braces.
const graph = document.getElementById('{plot_id}');
graph.on('plotly_afterplot', () => declutter(graph));
declutter(graph);
