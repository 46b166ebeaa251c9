import { systemRuntime } from "@hawser/runtime";
import { run } from "./program.js";
import { ProcessTerminal } from "./terminal.js";

const runtime = systemRuntime();
process.exitCode = await run(process.argv.slice(2), {
  terminal: new ProcessTerminal(runtime.random),
  runtime,
  env: process.env,
});
