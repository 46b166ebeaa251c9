import { unixPathProblem } from "@hawser/runtime";
import type { ServiceNotice } from "@hawser/service";
import { UNIX_SOCKET_MODES } from "@hawser/transport";
import { join } from "node:path";
import { z } from "zod";

/** Where the socket for events is: somewhere that was named, in the data directory, or nowhere. */
export type SocketSetting =
  | { readonly kind: "named"; readonly path: string }
  | { readonly kind: "default" }
  | { readonly kind: "off" };

/** What the settings say of the socket. */
export interface SocketSettings {
  readonly socket: SocketSetting;
  readonly socketMode: number;
  readonly socketGroup?: number | undefined;
}

const SOCKET_NAME = "agent.sock";

/** A path, or `off`. */
export function socketSetting(): z.ZodType<SocketSetting> {
  return z.string("is not a path").transform((value, context): SocketSetting => {
    if (value === "off") return { kind: "off" };
    const problem = unixPathProblem(value);
    if (problem === undefined) return { kind: "named", path: value };
    context.addIssue(problem);
    return z.NEVER;
  });
}

/** `0600` or `0660`. */
export function socketMode(): z.ZodType<number> {
  const wrong = "is neither 0600 nor 0660";
  return z
    .string(wrong)
    .regex(/^0?[0-7]{3}$/, wrong)
    .transform((value) => Number.parseInt(value, 8))
    .refine((mode) => UNIX_SOCKET_MODES.includes(mode), wrong);
}

/** Where programs look for the agent whose data directory this is, when nobody named a socket. */
export function defaultSocketPath(dataDir: string): string {
  return join(dataDir, SOCKET_NAME);
}

/** What contradicts itself. */
export function socketProblems({ socket, socketMode: mode, socketGroup }: SocketSettings): string[] {
  const problems: string[] = [];
  const isForGroup = mode !== 0o600;
  if (isForGroup && socket.kind === "default")
    problems.push(
      "--socket-mode 0660 lets nobody in while the socket is in the data directory, which is the agent's alone; name another place with --socket, such as /run/hawser/agent.sock",
    );
  if (socketGroup !== undefined && !isForGroup)
    problems.push(
      "--socket-group has no effect while the socket is its owner's alone; add --socket-mode 0660",
    );
  if (socket.kind === "off" && (isForGroup || socketGroup !== undefined))
    problems.push("--socket off has neither a mode nor a group; leave out --socket-mode and --socket-group");
  return problems;
}

/** A data directory whose path is so long that no socket can be in it is no reason not to start: the agent did so before it had one. */
export function socketNotices({ socket }: SocketSettings, dataDir: string): readonly ServiceNotice[] {
  const path = defaultSocketPath(dataDir);
  const problem = socket.kind === "default" ? unixPathProblem(path) : undefined;
  if (problem === undefined) return [];
  return [
    {
      detail: `programs on this machine cannot hand this agent events: the path of its socket ${path} ${problem}`,
      fix: "name a shorter path with --socket, such as /run/hawser/agent.sock, or say --socket off",
    },
  ];
}
