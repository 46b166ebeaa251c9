import type { Command } from "commander";
import type { Runtime } from "@hawser/runtime";
import { ApiClient } from "../api/api-client.js";
import { resolveServer, type ServerFlags } from "../context/resolve-server.js";
import { usageError } from "../exit-codes.js";
import {
  isOutputFormat,
  type ExtractName,
  type OutputFormat,
  type parseOutput,
} from "../output/output-format.js";
import type { Terminal } from "../terminal.js";
import { z } from "zod";

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly runtime: Pick<Runtime, "clock" | "timers" | "random">;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The options before the command. @throws CommandError (usage) for an output that only `extract` may answer */
  readonly globals: () => GlobalOptions;
  /** What `--output` takes out of agents and resources; undefined for what `globals` answers. For the commands that can. */
  readonly extract: () => ExtractName | undefined;
  /** A client of the principal that flags, environment and contexts name. @throws CommandError (usage) */
  readonly connect: () => ApiClient;
}

const globalSchema = z.object({
  server: z.string().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  caFile: z.string().optional(),
  context: z.string().optional(),
  proxy: z.string().optional(),
  noProxy: z.string().optional(),
  output: z.custom<ReturnType<typeof parseOutput>>(),
});

export interface GlobalOptions extends ServerFlags {
  readonly output: OutputFormat;
}

export function createContext(
  program: Command,
  terminal: Terminal,
  runtime: Pick<Runtime, "clock" | "timers" | "random">,
  env: Readonly<Record<string, string | undefined>>,
): CommandContext {
  const given = (): z.infer<typeof globalSchema> => globalSchema.parse(program.opts());
  const globals = (): GlobalOptions => {
    const { output, ...rest } = given();
    if (isOutputFormat(output)) return { ...rest, output };
    throw usageError(`--output ${output} is for 'hawser get' and 'hawser agents'; json has everything`);
  };
  const extract = (): ExtractName | undefined => {
    const { output } = given();
    return isOutputFormat(output) ? undefined : output;
  };
  return {
    terminal,
    runtime,
    env,
    globals,
    extract,
    connect: () => new ApiClient(resolveServer(given(), env), terminal.interrupted),
  };
}
