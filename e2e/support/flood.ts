import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import type { Attack } from "./attacked-principal.js";
import { plainEnvironment, PROGRAMS } from "./programs.js";

/** Where this stands in `opening` goes the number of the socket, where it stands in a chunk the next number there is: eight digits. */
export const COUNTER = "00000000";
/** Where this stands in a chunk goes the number before. */
export const REPEATED = "99999999";
/** The number of the first socket. */
export const FIRST_SOCKET = 10_000_001;

/** What each socket of a flood says. */
export interface Flood {
  readonly sockets: number;
  /** Written at once. */
  readonly opening: Uint8Array;
  /** Of the other end, before it goes on: for those who do not read, the last they hear. */
  readonly waitsFor?: string;
  readonly goesOn?: {
    /** One after the other. */
    readonly chunks: readonly Uint8Array[];
    /** 0: as fast as they are taken. */
    readonly everyMs: number;
    /** From the beginning again, without end. @default true */
    readonly cycles?: boolean;
  };
  /** A socket that is cut is opened anew. @default 10; false: it stays so */
  readonly reopenAfterMs?: number | false;
  /** One that is opened anew has a new number. @default false */
  readonly freshNames?: boolean;
  /** @default true */
  readonly reads?: boolean;
  readonly tls?: { readonly alpn?: readonly string[] };
  /** @default the agents' */
  readonly port?: number;
}

/** An attack by sockets in a process of their own, of one kind or of several. */
export function flood(...floods: readonly Flood[]): Attack {
  return async ({ fleet }) => {
    const child = spawn(process.execPath, [PROGRAMS.flood], {
      stdio: ["pipe", "pipe", "inherit"],
      env: plainEnvironment(),
    });
    // However the test ends.
    onTestFinished(() => void child.kill("SIGKILL"));
    const plans = floods.map((one) => planOf(one, fleet.listen.port));
    child.stdin.write(`${JSON.stringify(plans)}\n`);
    await once(child.stdout, "data");
    return {
      begin: () => void child.stdin.end(),
      async end() {
        if (child.exitCode !== null) throw new Error(`the flood ended by itself with ${child.exitCode}`);
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      },
    };
  };
}

function planOf(
  { goesOn, reopenAfterMs = 10, reads = true, freshNames = false, opening, port, ...rest }: Flood,
  agentsPort: number,
): object {
  return {
    ...rest,
    reads,
    freshNames,
    port: port ?? agentsPort,
    opening: base64(opening),
    ...(goesOn && { goesOn: { cycles: true, ...goesOn, chunks: goesOn.chunks.map(base64) } }),
    ...(reopenAfterMs === false ? {} : { reopenAfterMs }),
  };
}

/** Several attacks at once. */
export function together(...attacks: readonly Attack[]): Attack {
  return async (stage) => {
    const all = await Promise.all(attacks.map((attack) => attack(stage)));
    return {
      async begin() {
        for (const one of all) await one.begin();
      },
      async end() {
        for (const one of all) await one.end();
      },
    };
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
