import { plotPanel } from "./plot-panel.js";
import { linearScale, roundStep, ticks, type Scale } from "./plot-scale.js";
import { PLOT_STYLE } from "./plot-style.js";
import type { StormRun } from "./run-storm.js";
import { sessionsPerSecond } from "./sessions-per-second.js";

const WIDTH = 880;
const LEFT = 72;
const RIGHT = 16;
const TITLE_HEIGHT = 44;
const PANEL_HEADER = 40;
const PANEL_HEIGHT = 120;
const PANEL_GAP = 16;
const FOOT_HEIGHT = 52;
const MOST_X_TICKS = 12;
/** Drawn before the SIGKILL, and after it. */
const MOST_SECONDS_BEFORE = 20;
const MOST_SECONDS_AFTER = 45;

/** New sessions per second over time, one panel for each client, all on the same axes: an SVG that stands alone. */
export function stormPlot(runs: readonly StormRun[]): string {
  const panel = PANEL_HEADER + PANEL_HEIGHT + PANEL_GAP;
  const height = TITLE_HEIGHT + runs.length * panel + FOOT_HEIGHT;
  const x = timeScale(runs);
  const most = Math.max(1, ...runs.flatMap((run) => [...sessionsPerSecond(run.openedSeconds).values()]));
  const step = roundStep(most / 4);
  const highest = Math.ceil(most / step) * step;
  const panels = runs.map((run, index) => {
    const top = TITLE_HEIGHT + index * panel + PANEL_HEADER;
    return plotPanel(run, { x, y: linearScale(0, highest, top + PANEL_HEIGHT, top) });
  });
  const agents = Math.max(0, ...runs.map(({ row }) => row.agents)).toLocaleString("en");
  const title = `${agents} agents after a SIGKILL of their server: new sessions per second`;
  const middle = TITLE_HEIGHT + (runs.length * panel) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<style>${PLOT_STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="${LEFT}" y="28">${title}</text>`,
    `<text class="quiet" transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">new sessions per second</text>`,
    ...panels,
    timeAxis(x, TITLE_HEIGHT + runs.length * panel - PANEL_GAP),
    "</svg>",
    "",
  ].join("\n");
}

/** From the first session to a moment after the last, within bounds; who takes longer is in the text alone. */
function timeScale(runs: readonly StormRun[]): Scale {
  let least = 0;
  let greatest = 1;
  for (const at of runs.flatMap(({ openedSeconds }) => openedSeconds)) {
    least = Math.min(least, Math.max(at, -MOST_SECONDS_BEFORE));
    greatest = Math.max(greatest, Math.min(at, MOST_SECONDS_AFTER));
  }
  // A little room at the right, for the last label.
  const room = Math.max(1, (greatest - least) * 0.06);
  return linearScale(Math.floor(least), Math.ceil(greatest + room), LEFT, WIDTH - RIGHT);
}

function timeAxis(x: Scale, bottom: number): string {
  return [
    ...ticks(x.least, x.greatest, MOST_X_TICKS).map(
      (second) =>
        `<text class="quiet" x="${x.at(second)}" y="${bottom + 16}" text-anchor="middle">${second}</text>`,
    ),
    `<text class="quiet" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${bottom + 38}" text-anchor="middle">seconds since the SIGKILL; before it, the agents connect for the first time; red: the server is down</text>`,
  ].join("\n");
}
