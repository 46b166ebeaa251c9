import { join } from "node:path";
import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { busiestSecond } from "../fleet/busiest-second.js";
import { comeBack } from "./come-back.js";
import { EventPublisher } from "./event-publisher.js";
import { missingEvents } from "./missing-events.js";
import type { EventLoopLag, StormClient, Taken } from "./storm-commands.js";
import type { StormOptions } from "./storm-options.js";
import { StormWorld } from "./storm-world.js";

/** What the line for programs says of one storm. */
export interface StormRow {
  readonly client: StormClient;
  readonly agents: number;
  /** From the SIGKILL to the moment the last agent had a session again; where some never had (`StormRun.notBack`), to the moment nobody waited any longer. */
  readonly allBackSeconds: number;
  /** New sessions in the busiest second after the SIGKILL, wherever it begins, by the server's clock. */
  readonly busiestSecond: number;
  /** New sessions after the SIGKILL over the time from the first to the last; at least a second. */
  readonly meanPerSecond: number;
  /** Of the server that was started again, until all were back. */
  readonly lagP99Ms: number;
  /** Events that were taken and never arrived. */
  readonly lost: number;
  /** Events that were applied again after they had been applied. */
  readonly appliedTwice: number;
}

export interface StormRun {
  readonly row: StormRow;
  /** Seconds from the SIGKILL at which the server opened each session; those before it are negative. */
  readonly openedSeconds: readonly number[];
  /** Agents that had no session when the time was over. */
  readonly notBack: number;
  /** Seconds from the SIGKILL to the moment the server listened again. */
  readonly upSeconds: number;
  readonly lag: EventLoopLag;
  /** Events taken, events that nobody took, and of those lost, how they had been taken. */
  readonly taken: number;
  readonly refused: number;
  readonly lostAs: Readonly<Record<Taken, number>>;
}

/** One server, its agents, an event load, a SIGKILL, and what it took until all was well again. */
export async function runStorm(
  client: StormClient,
  options: StormOptions,
  directory: string,
  progress: (line: string) => void,
): Promise<StormRun> {
  const { agents, steadyMs, deadlineMs } = options;
  const world = new StormWorld({ client, agents, tls: options.tls, directory: join(directory, client) });
  const publisher = new EventPublisher({
    agents,
    perSecond: options.eventsPerSecond,
    publish: (event) => world.publish(event),
  });
  try {
    await world.startServer();
    await world.startAgents(deadlineMs);
    const beforehand = await comeBack(world, agents, deadlineMs);
    progress(`${client}: ${agents - beforehand.notBack} of ${agents} agents are connected`);
    publisher.start();
    await pause(systemTimers, steadyMs);
    const before = await world.opened();
    await world.reset();

    const { killedAt, upAt } = await crashServer(world, options);
    const { notBack, lag, at } = await comeBack(world, agents, deadlineMs);
    const after = await world.opened();
    const lastOpenedAt = (await world.reports())
      .flatMap(({ opened }) => opened)
      .reduce((most, each) => Math.max(most, each), 0);
    const absent = notBack === 0 ? "all are back" : `${notBack} were not back when the time was over`;
    progress(`${client}: ${absent}`);
    await publisher.stop();
    const missing = await missingEvents(world, publisher, deadlineMs);

    const appliedTwice = (await world.reports()).reduce((sum, report) => sum + report.appliedTwice, 0);
    return {
      row: {
        client,
        agents,
        allBackSeconds: rounded(((notBack === 0 ? lastOpenedAt : at) - killedAt) / 1_000),
        ...spread(after),
        lagP99Ms: rounded(lag.p99Ms),
        lost: missing.length,
        appliedTwice,
      },
      openedSeconds: [...before, ...after].map((at) => (at - killedAt) / 1_000),
      upSeconds: (upAt - killedAt) / 1_000,
      notBack,
      lag,
      taken: publisher.taken.size,
      refused: publisher.refused,
      lostAs: countsOf(missing),
    };
  } finally {
    await world.close();
    await publisher.stop();
  }
}

/** A SIGKILL, and the same server again once every agent has noticed. */
async function crashServer(
  world: StormWorld,
  { downMs, deadlineMs }: Pick<StormOptions, "downMs" | "deadlineMs">,
): Promise<{ readonly killedAt: number; readonly upAt: number }> {
  const killedAt = systemClock.wallTime();
  await world.killServer();
  await pause(systemTimers, downMs);
  await world.sessions((open) => open === 0, deadlineMs);
  await world.startServer();
  return { killedAt, upAt: systemClock.wallTime() };
}

function spread(moments: readonly number[]): Pick<StormRow, "busiestSecond" | "meanPerSecond"> {
  const seconds = ((moments.at(-1) ?? 0) - (moments[0] ?? 0)) / 1_000;
  return {
    busiestSecond: busiestSecond(moments),
    meanPerSecond: rounded(moments.length / Math.max(1, seconds)),
  };
}

function countsOf(taken: readonly Taken[]): Record<Taken, number> {
  const counts = { kept: 0, sent: 0, nobody: 0 };
  for (const each of taken) counts[each] += 1;
  return counts;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
