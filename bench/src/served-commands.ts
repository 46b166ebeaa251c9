import { pause, systemClock, systemTimers } from "@hawser/runtime";

export interface Request {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** Runs in a child: answers the parent's requests until the parent lets go. */
export function serveCommands(commands: object): void {
  const reply = (message: Reply): void => void process.send?.(message);
  process.on("message", (request: Request) => {
    const command: unknown = Reflect.get(commands, request.command);
    if (typeof command !== "function") {
      reply({ id: request.id, error: `no command ${request.command}` });
      return;
    }
    Promise.resolve(Reflect.apply(command, commands, [request.argument])).then(
      (value: unknown) => reply({ id: request.id, value }),
      (thrown: unknown) =>
        reply({
          id: request.id,
          error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
        }),
    );
  });
  // A parent that died leaves nobody to measure for.
  process.on("disconnect", () => process.exit(0));
}

/** CPU time of this process so far, all its threads, in microseconds. */
export function cpuTime(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return Promise.resolve(user + system);
}

const QUIET_WINDOW_MS = 50;
const QUIET_CPU_SHARE = 0.05;
const QUIET_DEADLINE_MS = 15_000;

/** Resolves once this process, with all its threads, has stopped working; after a deadline in any case. */
export async function quiet(): Promise<void> {
  const deadline = systemClock.now() + QUIET_DEADLINE_MS;
  for (;;) {
    const before = process.cpuUsage();
    const from = systemClock.now();
    await pause(systemTimers, QUIET_WINDOW_MS);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1_000 / (systemClock.now() - from);
    if (share < QUIET_CPU_SHARE || systemClock.now() > deadline) return;
  }
}
