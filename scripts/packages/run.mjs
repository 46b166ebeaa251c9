import { spawn } from "node:child_process";

/**
 * Runs a program to its end and answers what it printed; throws, with all of that, when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} options
 */
export async function run(command, args, { cwd, env = process.env, timeoutMs = 120_000 }) {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk) => (output += chunk));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...end) => resolve(end));
  });
  if (code === 0) return output;
  throw new Error(`'${[command, ...args].join(" ")}' ended with ${code ?? signal}:\n${output}`);
}
