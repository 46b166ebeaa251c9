import { defined } from "@hawser/runtime";
import { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { configPath, CONTEXT_NAME, readConfig, writeConfig, type Context } from "../context/config-file.js";
import { contextOf, resolveServer } from "../context/resolve-server.js";
import { usageError } from "../exit-codes.js";
import { printList, printOne, type Column } from "../output/print.js";

/** A context as it is printed; tokens never are. */
export interface ContextLine extends Context {
  readonly name: string;
  readonly current: boolean;
}

const columns: readonly Column<ContextLine>[] = [
  { title: "CURRENT", cell: ({ current }) => (current ? "*" : "") },
  { title: "NAME", cell: ({ name }) => name },
  { title: "SERVER", cell: ({ server }) => server },
  {
    title: "TOKEN",
    cell: ({ tokenFile, tokenEnv }) => tokenFile ?? (tokenEnv === undefined ? "-" : `$${tokenEnv}`),
  },
];

interface SetOptions {
  readonly tokenFile?: string;
  readonly tokenEnv?: string;
}

export function contextCommand(context: CommandContext): Command {
  const command = new Command("context").description(
    "principals by name: kept in a file, one of them current",
  );
  command.addCommand(
    withExamples(
      new Command("list").description("all of them").action(() => list(context)),
      "hawser context list",
    ),
  );
  command.addCommand(
    withExamples(
      new Command("show")
        .description("one, or what this command line would speak to")
        .argument("[context]")
        .action((name: string | undefined) => show(context, name)),
      "hawser context show",
      "hawser context show production --output json",
    ),
  );
  command.addCommand(
    withExamples(
      new Command("set")
        .description("add or replace one; its server is --server; the first becomes the current one")
        .argument("<context>")
        .option("--token-env <variable>", "take the token from this environment variable")
        .action((name: string, options: SetOptions) => set(context, name, options)),
      "hawser context set local --server http://127.0.0.1:7481",
      "hawser context set production --server https://hawser.example.com --token-file ~/.hawser-token",
    ),
  );
  command.addCommand(
    withExamples(
      new Command("use")
        .description("make one the current one")
        .argument("<context>")
        .action((name: string) => use(context, name)),
      "hawser context use production",
    ),
  );
  command.addCommand(
    withExamples(
      new Command("remove")
        .description("forget one")
        .argument("<context>")
        .action((name: string) => remove(context, name)),
      "hawser context remove production",
    ),
  );
  return withExamples(command, "hawser context list", "hawser --context production agents");
}

function list({ terminal, env, globals }: CommandContext): void {
  const { current, contexts } = readConfig(configPath(env));
  const lines = Object.entries(contexts).map(([name, entry]) => ({
    name,
    current: name === current,
    ...entry,
  }));
  printList(
    terminal,
    globals().output,
    lines,
    columns,
    "no contexts yet; add one: hawser context set NAME --server URL",
  );
}

function show({ terminal, env, globals }: CommandContext, name: string | undefined): void {
  const path = configPath(env);
  const config = readConfig(path);
  if (name === undefined) {
    const { url, origin, token } = resolveServer(globals(), env);
    const facts = { server: url, origin, token: token !== undefined, configFile: path };
    printOne(terminal, globals().output, facts, [
      { title: "SERVER", cell: ({ server }) => server },
      { title: "FROM", cell: (fact) => fact.origin },
      { title: "TOKEN", cell: (fact) => (fact.token ? "yes" : "no") },
      { title: "CONFIG FILE", cell: ({ configFile }) => configFile },
    ]);
    return;
  }
  const line = { name, current: name === config.current, ...contextOf(config, name, path) };
  printOne(terminal, globals().output, line, columns);
}

function set({ terminal, env, globals }: CommandContext, name: string, { tokenEnv }: SetOptions): void {
  const { server, token, tokenFile, caFile } = globals();
  if (!CONTEXT_NAME.test(name))
    throw usageError(`'${name}' is no name for a context; use letters, digits, . _ and -`);
  if (server === undefined) throw usageError(`say where it is: hawser context set ${name} --server URL`);
  if (token !== undefined)
    throw usageError("tokens are not kept in the file; give --token-file or --token-env");
  if (tokenFile !== undefined && tokenEnv !== undefined)
    throw usageError("--token-file and --token-env are two places for one token; give one");
  // Checked as it will be when it is used.
  const { url } = resolveServer({ server, caFile }, {});
  const path = configPath(env);
  const config = readConfig(path);
  const entry = {
    server: url,
    ...defined({ tokenFile, caFile, tokenEnv }),
  };
  const current = config.current ?? name;
  writeConfig(path, { current, contexts: { ...config.contexts, [name]: entry } });
  terminal.out(`context ${name} set${current === name ? ", current" : ""}`);
}

function use({ terminal, env }: CommandContext, name: string): void {
  const path = configPath(env);
  const config = readConfig(path);
  contextOf(config, name, path);
  writeConfig(path, { ...config, current: name });
  terminal.out(`context ${name} is the current one`);
}

function remove({ terminal, env }: CommandContext, name: string): void {
  const path = configPath(env);
  const { current, contexts } = readConfig(path);
  contextOf({ contexts }, name, path, "Nothing was removed");
  const rest = Object.fromEntries(Object.entries(contexts).filter(([each]) => each !== name));
  const isCurrent = current === name;
  writeConfig(path, { contexts: rest, ...(current === undefined || isCurrent ? {} : { current }) });
  terminal.out(`context ${name} removed${isCurrent ? "; no context is current now" : ""}`);
}
