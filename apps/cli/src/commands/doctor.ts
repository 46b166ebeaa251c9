import { printableLine } from "@hawser/runtime";
import { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { resolveServer } from "../context/resolve-server.js";
import { checkConfig, checkDisk, checkHttp2, checkNode, checkState } from "../doctor/check-local.js";
import { checkPort } from "../doctor/check-port.js";
import { checkPrincipal } from "../doctor/check-principal.js";
import { checkTls } from "../doctor/check-tls.js";
import { fail, ok, type Check } from "../doctor/check.js";
import { EXIT_CODES, QuietExit } from "../exit-codes.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { paintState } from "../output/style.js";
import { VERSION } from "../version.js";

interface DoctorOptions {
  readonly dataDir?: readonly string[];
  readonly port?: readonly string[];
  readonly store?: readonly string[];
  readonly tls?: readonly string[];
  readonly tlsCa?: string;
}

export function doctorCommand(context: CommandContext): Command {
  const command = new Command("doctor")
    .description(
      "check settings, the principal, token, versions, clock, disk, ports, TLS and stores; ends with 1 when something fails",
    )
    .option(
      "--data-dir <path...>",
      "room and rights of the data directory of a service, and who else can read it",
    )
    .option("--port <address...>", "is a port free: 7480, host:port, or unix:/path for a Unix socket")
    .option("--store <path...>", "does the store of a service open, and what does it hold")
    .option(
      "--tls <address...>",
      "is the certificate of an agents' port trusted, and for how long: host:port",
    )
    .option("--tls-ca <path>", "PEM authority that agents are given; default the well-known ones")
    .action((options: DoctorOptions) => doctor(context, options));
  return withExamples(
    command,
    "hawser doctor",
    "hawser doctor --data-dir /var/lib/hawser --port 7480 7481",
    "hawser doctor --tls principal.example:7480 --tls-ca ca.pem",
    "hawser doctor --store /var/lib/hawser",
    "hawser doctor --output json",
  );
}

async function doctor(context: CommandContext, options: DoctorOptions): Promise<void> {
  const { terminal } = context;
  const { output } = context.globals();
  const checks = await runChecks(context, options);
  if (!isForPeople(output)) printList(terminal, output, checks, [], "");
  else {
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const { name, result, detail, fix } of checks) {
      const [first = "", ...rest] = detail.split("\n");
      terminal.out(
        `${paintState(terminal.style, result)}${" ".repeat(6 - result.length)}${name.padEnd(width)}  ${printableLine(first)}`,
      );
      for (const line of rest) terminal.out(`      ${line}`);
      if (fix !== undefined) terminal.out(`      ${"".padEnd(width)}  -> ${fix}`);
    }
  }
  if (checks.some(({ result }) => result === "fail")) throw new QuietExit(EXIT_CODES.failed);
}

async function runChecks(context: CommandContext, options: DoctorOptions): Promise<readonly Check[]> {
  const { env, runtime } = context;
  const checks = [checkNode(process.versions.node), checkHttp2(process.versions), checkConfig(env)];
  try {
    const { url, origin, route } = resolveServer(context.globals(), env);
    const way = route === undefined ? "" : `, through the proxy ${route.proxy}`;
    checks.push(ok("server", `${url}, from ${origin}${way}`));
    checks.push(...(await checkPrincipal(context.connect(), runtime.clock, VERSION)));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    checks.push(
      fail("server", reason, "correct the setting it names; hawser context list shows what there is"),
    );
  }
  for (const directory of options.dataDir ?? []) checks.push(checkDisk(directory), ...checkState(directory));
  for (const port of options.port ?? []) checks.push(await checkPort(port));
  for (const directory of options.store ?? []) {
    // With native code, which no other check needs.
    const { checkStore } = await import("../doctor/check-store.js");
    checks.push(await checkStore(directory));
  }
  for (const address of options.tls ?? [])
    checks.push(await checkTls({ address, ca: options.tlsCa }, runtime.clock));
  return checks;
}
