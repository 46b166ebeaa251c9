import { ticks, type Scale } from "./plot-scale.js";
import type { StormRun } from "./run-storm.js";
import { sessionsPerSecond } from "./sessions-per-second.js";

export interface PanelPlace {
  /** Seconds from the SIGKILL, across. */
  readonly x: Scale;
  /** New sessions in one second, upwards. */
  readonly y: Scale;
}

const MOST_Y_TICKS = 4;
/** Between two bars. */
const GAP = 1;
const LABEL_ABOVE = 6;

/** One client: its sessions per second as bars, and what happened to its server. */
export function plotPanel(run: StormRun, { x, y }: PanelPlace): string {
  const { row } = run;
  const floor = y.at(0);
  const top = y.at(y.greatest);
  const left = x.at(x.least);
  const right = x.at(x.greatest);
  return [
    `<text class="name" x="${left}" y="${top - 24}">${row.client}</text>`,
    `<text x="${right}" y="${top - 24}" text-anchor="end">${summary(run)}</text>`,
    ...ticks(0, y.greatest, MOST_Y_TICKS).map((value) =>
      [
        `<line class="grid" x1="${left}" x2="${right}" y1="${y.at(value)}" y2="${y.at(value)}"/>`,
        `<text class="quiet" x="${left - 6}" y="${y.at(value) + 4}" text-anchor="end">${value.toLocaleString("en")}</text>`,
      ].join(""),
    ),
    `<rect class="down" x="${x.at(0)}" y="${top}" width="${x.at(run.upSeconds) - x.at(0)}" height="${floor - top}"/>`,
    ...bars(run, x, y),
    `<line class="axis" x1="${left}" x2="${right}" y1="${floor}" y2="${floor}"/>`,
    `<line class="kill" x1="${x.at(0)}" x2="${x.at(0)}" y1="${top}" y2="${floor}"/>`,
    `<text class="kill-label" x="${x.at(0)}" y="${top - LABEL_ABOVE}" text-anchor="end">SIGKILL</text>`,
    ...allBack(run, x, top, floor),
  ].join("\n");
}

function summary({ row, notBack }: StormRun): string {
  const seconds = row.allBackSeconds.toFixed(1);
  return [
    notBack === 0 ? `all back after ${seconds} s` : `${notBack} not back after ${seconds} s`,
    `busiest second ${row.busiestSecond}`,
    `mean ${Math.round(row.meanPerSecond)}/s`,
    `lag p99 ${row.lagP99Ms.toFixed(0)} ms`,
    `lost ${row.lost}`,
  ].join(", ");
}

/** A mark, if it happened and lies within the plot. */
function allBack({ row, notBack }: StormRun, x: Scale, top: number, floor: number): readonly string[] {
  if (notBack > 0 || row.allBackSeconds > x.greatest) return [];
  const at = x.at(row.allBackSeconds);
  return [
    `<line class="back" x1="${at}" x2="${at}" y1="${top}" y2="${floor}"/>`,
    `<text class="back-label" x="${at}" y="${top - LABEL_ABOVE}">all back</text>`,
  ];
}

function bars(run: StormRun, x: Scale, y: Scale): readonly string[] {
  const within = run.openedSeconds.filter((second) => second >= x.least && second < x.greatest);
  return [...sessionsPerSecond(within)].map(([second, count]) => {
    const from = x.at(second) + GAP / 2;
    const width = x.at(second + 1) - x.at(second) - GAP;
    return `<rect class="bar" x="${from}" y="${y.at(count)}" width="${width.toFixed(1)}" height="${(y.at(0) - y.at(count)).toFixed(1)}"/>`;
  });
}
