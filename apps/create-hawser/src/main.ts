import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProject } from "./create-project.js";
import { parseCommand, USAGE } from "./parse-command.js";

const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const version =
  typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";

const command = parseCommand(process.argv.slice(2));
switch (command.kind) {
  case "help":
    process.stdout.write(USAGE);
    break;
  case "version":
    process.stdout.write(`${version}\n`);
    break;
  case "refused":
    process.stderr.write(`create-hawser: ${command.problem}\n\n${USAGE}`);
    process.exitCode = 2;
    break;
  case "create": {
    const templates = fileURLToPath(new URL("../templates", import.meta.url));
    const made = createProject({ ...command, templates, version });
    if (made.ok) process.stdout.write(made.said);
    else {
      process.stderr.write(`create-hawser: ${made.problem}\n`);
      process.exitCode = 1;
    }
  }
}
