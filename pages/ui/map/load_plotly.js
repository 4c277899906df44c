// Runs plotly's `script`, a string, once a tab; a string, since the module may be evaluated again on each visit.
if (!globalThis.Plotly) (0, eval)(script);
export default function () {}
