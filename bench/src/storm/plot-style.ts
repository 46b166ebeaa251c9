/** Colours that keep a contrast of at least 4.5 to 1 for text, on a background of the plot's own: it does not know what page it lies on. */
export const PLOT_STYLE = `
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .name { font-size: 13px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 11px; }
  .page { fill: #ffffff; }
  .grid { stroke: #dfe4ea; stroke-width: 1; }
  .axis { stroke: #818b98; stroke-width: 1; }
  .bar { fill: #1f6feb; }
  .down { fill: #cf222e; fill-opacity: 0.14; }
  .kill { stroke: #cf222e; stroke-width: 1.5; }
  .kill-label { fill: #b3121f; font-size: 11px; }
  .back { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .back-label { fill: #1a6b30; font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9da7b3; }
    .page { fill: #0d1117; }
    .grid { stroke: #262c36; }
    .axis { stroke: #6e7681; }
    .bar { fill: #58a6ff; }
    .down { fill: #ff7b72; fill-opacity: 0.18; }
    .kill { stroke: #ff7b72; }
    .kill-label { fill: #ff9a92; }
    .back { stroke: #3fb950; }
    .back-label { fill: #56d364; }
  }
`;
