import { systemRuntime } from "@hawser/runtime";
import { run } from "./program.js";
import { processTerminal } from "./terminal.js";

process.exitCode = await run(process.argv.slice(2), {
  terminal: processTerminal(),
  runtime: systemRuntime(),
  env: process.env,
});
