import { spawn } from "node:child_process";
import { thrownText } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";

/** systemd's client of the socket: Node has no Unix datagram sockets. */
const PROGRAM = "systemd-notify";
/** It waits for the manager, which may be busy; the next message waits too. */
const SEND_TIMEOUT_MS = 5_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Notifications of a service manager by sd_notify(3). */
export interface ServiceManager {
  /** After a start or a reload. */
  ready(): void;
  reloading(): void;
  stopping(): void;
}

const NOBODY: ServiceManager = { ready: () => {}, reloading: () => {}, stopping: () => {} };

/** Sends one message; rejects on failure. */
export type SendMessage = (assignments: readonly string[]) => Promise<void>;

/**
 * The service manager that started this process with `NOTIFY_SOCKET`, or a null object. Messages
 * are sent in order. With `WATCHDOG_USEC` it gets a sign in each half of that time while the event
 * loop runs. A failed message causes one warning.
 * @param software name and version, for the status
 */
export function serviceManagerOf(
  env: Environment,
  software: string,
  { timers, logger }: Pick<Runtime, "timers" | "logger">,
  send: SendMessage = sendBySystemdNotify(timers),
): ServiceManager {
  const { NOTIFY_SOCKET: socket = "" } = env;
  if (socket === "") return NOBODY;
  let last: Promise<void> = Promise.resolve();
  let hasFailed = false;

  function tell(...assignments: readonly string[]): Promise<void> {
    last = last
      .then(() => send(assignments))
      .catch((thrown: unknown) => {
        if (hasFailed) return;
        hasFailed = true;
        const reason = thrownText(thrown);
        logger.warn(
          { socket },
          `the service manager could not be told ${assignments[0]}: ${reason}; a unit of Type=notify needs ${PROGRAM} on the PATH and NotifyAccess=all, any other unit works without`,
        );
      });
    return last;
  }
  const watchdog = watchdogOf(env, timers, () => tell("WATCHDOG=1"));
  return {
    ready() {
      void tell("READY=1", `STATUS=${software} serves`);
      watchdog.begin();
    },
    reloading: () => void tell("RELOADING=1", `STATUS=${software} reads its files again`),
    stopping: () => void tell("STOPPING=1", `STATUS=${software} stops`),
  };
}

/** @param beat resolves when the sign was sent: the next one is due half of the time later */
function watchdogOf(
  env: Environment,
  timers: Runtime["timers"],
  beat: () => Promise<void>,
): { begin(): void } {
  const { WATCHDOG_USEC: wanted = "", WATCHDOG_PID: whose = "" } = env;
  const everyMs = Number(wanted) / 2_000;
  if (!/^\d+$/.test(wanted) || everyMs <= 0 || (whose !== "" && whose !== String(process.pid)))
    return { begin: () => {} };
  let timer: Timer | undefined;
  const rest = (): void => {
    timer = timers.after(everyMs, () => void beat().then(rest));
  };
  return {
    begin() {
      if (timer === undefined) rest();
    },
  };
}

function sendBySystemdNotify(timers: Runtime["timers"]): SendMessage {
  return (assignments) =>
    new Promise((resolve, reject) => {
      const child = spawn(PROGRAM, assignments, { stdio: "ignore" });
      const deadline = timers.after(SEND_TIMEOUT_MS, () => child.kill("SIGKILL"));
      child.once("error", (thrown) => {
        deadline.cancel();
        reject(thrown);
      });
      child.once("exit", (code, signal) => {
        deadline.cancel();
        if (code === 0) resolve();
        else reject(new Error(`${PROGRAM} ended with ${signal ?? code}`));
      });
    });
}
