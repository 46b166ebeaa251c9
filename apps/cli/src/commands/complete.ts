import { Command } from "commander";
import { ApiClient } from "../api/api-client.js";
import type { CommandContext } from "../command/command-context.js";
import { candidatesFor } from "../completion/candidates.js";
import { readTree } from "../completion/command-tree.js";
import { COMPLETE_COMMAND } from "../completion/complete-command.js";
import { readWords } from "../completion/read-words.js";
import { configPath, readConfig } from "../context/config-file.js";
import { resolveServer } from "../context/resolve-server.js";

/** Somebody holds the tab key down meanwhile. */
const COMPLETION_TIMEOUT_MS = 1_000;

/** What the completion of a shell asks for: the words behind `hawser` go in, candidates come out. Whatever goes wrong, it says nothing: it would be printed into a command line. */
export function completeCommand({ terminal, env }: CommandContext, program: Command): Command {
  return new Command(COMPLETE_COMMAND).argument("[words...]").action(async (words: readonly string[]) => {
    try {
      const read = readWords(readTree(program), words);
      const { options } = read;
      const candidates = await candidatesFor(read, {
        client: () => {
          const flags = {
            server: options.get("--server"),
            context: options.get("--context"),
            token: options.get("--token"),
            tokenFile: options.get("--token-file"),
            caFile: options.get("--ca-file"),
          };
          return new ApiClient(resolveServer(flags, env), terminal.interrupted, COMPLETION_TIMEOUT_MS);
        },
        contexts: () => Object.keys(readConfig(configPath(env)).contexts),
      });
      for (const candidate of candidates) terminal.out(candidate);
    } catch {
      // Nothing to offer.
    }
  });
}
