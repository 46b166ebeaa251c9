import { expect, it } from "vitest";
import type { StormRun } from "./run-storm.js";
import { sessionsPerSecond } from "./sessions-per-second.js";
import { stormPlot } from "./storm-plot.js";

const RUN: StormRun = {
  row: {
    client: "hawser",
    agents: 4,
    allBackSeconds: 3.5,
    busiestSecond: 2,
    meanPerSecond: 1.5,
    lagP99Ms: 1.25,
    lost: 0,
    appliedTwice: 0,
  },
  openedSeconds: [-2.5, -2.1, 2.2, 2.9, 3.1, 3.5],
  notBack: 0,
  upSeconds: 2,
  lag: { p99Ms: 1.25, maxMs: 2 },
  taken: 1,
  refused: 0,
  lostAs: { kept: 0, sent: 0, nobody: 0 },
};

it("counts by whole seconds on both sides of zero", () => {
  expect([...sessionsPerSecond([-0.5, 0, 0.5, 1, 1.999, -1])]).toEqual([
    [-1, 2],
    [0, 2],
    [1, 2],
  ]);
});

it("draws a panel for each client, a bar for each second with sessions, and both moments that matter", () => {
  const svg = stormPlot([RUN, { ...RUN, row: { ...RUN.row, client: "naive" } }]);
  expect(svg.match(/class="bar"/g)).toHaveLength(6);
  expect(svg.match(/>(hawser|naive)</g)).toEqual([">hawser<", ">naive<"]);
  expect(svg.match(/>SIGKILL</g)).toHaveLength(2);
  expect(svg.match(/>all back</g)).toHaveLength(2);
  expect(svg).toContain("all back after 3.5 s, busiest second 2, mean 2/s, lag p99 1 ms, lost 0");
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

it("says how many are not back instead of marking a moment when all were, and leaves out what is far away", () => {
  const svg = stormPlot([
    {
      ...RUN,
      notBack: 2,
      row: { ...RUN.row, allBackSeconds: 120 },
      openedSeconds: [-40, -19.5, 3, 47.5, 100],
    },
  ]);
  expect(svg).toContain("2 not back after 120.0 s");
  expect(svg).not.toContain(">all back<");
  expect(svg.match(/class="bar"/g)).toHaveLength(3);
});

it("draws what has no sessions at all", () => {
  expect(stormPlot([{ ...RUN, openedSeconds: [] }])).not.toMatch(/NaN|Infinity|class="bar"/);
});
