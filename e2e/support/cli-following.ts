import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { plainEnvironment, PROGRAMS } from "./programs.js";

/** A principal that can be made to break off, which a real one does too seldom. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A command that goes on until it is ended, and what it has said so far. */
export interface FollowingCli {
  stdout: string;
  stderr: string;
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
  readonly closeStdout: () => void;
  readonly ended: Promise<number | null>;
}

export function followOnCli(
  server: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): FollowingCli {
  const child = spawn(process.execPath, [PROGRAMS.cli, ...args], {
    env: { ...plainEnvironment(), HAWSER_SERVER: server, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => {
    child.on("exit", resolve);
  });
  const running: FollowingCli = {
    stdout: "",
    stderr: "",
    ended,
    closeStdout: () => child.stdout.destroy(),
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (running.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (running.stderr += chunk));
  return running;
}
