// Runs plotly's `script` once a tab: back on the page, the browser takes it as a mere string.
if (!globalThis.Plotly) (0, eval)(script);
export default function () {}
