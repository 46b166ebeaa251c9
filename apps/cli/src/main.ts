import { systemRuntime } from "@hawser/runtime";
import { run } from "./program.js";
import { processTerminal } from "./terminal.js";

const runtime = systemRuntime();
process.exitCode = await run(process.argv.slice(2), {
  terminal: processTerminal(runtime.random),
  runtime,
  env: process.env,
});
