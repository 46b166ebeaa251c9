import { parseArgs } from "node:util";

/** What can be made. Each is a folder of `templates`. */
export const TEMPLATES = {
  agent: "an agent with a kind of its own, for a principal that is there",
  principal: "a control plane of one's own: agents, tokens, HTTP API, metrics",
} as const;

export type TemplateName = keyof typeof TEMPLATES;

/** What was typed. */
export type CreateCommand =
  | { readonly kind: "create"; readonly folder: string; readonly template: TemplateName }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "refused"; readonly problem: string };

const templates = Object.entries(TEMPLATES).map(([name, about]) => `  ${name.padEnd(9)}  ${about}`);

export const USAGE = `npm create hawser FOLDER
npm create hawser FOLDER -- --template NAME

Templates (agent, unless another is named):
${templates.join("\n")}

The folder is made, or must be empty. Nothing is installed: 'npm install' in it does that.
`;

function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(TEMPLATES, name);
}

/** Reads the arguments of the command line. */
export function parseCommand(words: readonly string[]): CreateCommand {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        template: { type: "string", short: "t", default: "agent" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    });
  } catch (thrown) {
    return refused(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  const [folder, ...more] = positionals;
  if (folder === undefined || folder === "") return refused("say in which folder, such as my-agent");
  // 'npm create hawser x --template y' gives npm the option, and us its value.
  if (more.length > 0) {
    const meant = more.find((word) => isTemplate(word));
    const hint = meant === undefined ? "" : `; for the template, write -- --template ${meant}`;
    return refused(`one folder is made at a time, and there are ${positionals.length} words${hint}`);
  }
  const { template } = values;
  if (!isTemplate(template))
    return refused(`there is no template ${JSON.stringify(template)}: ${Object.keys(TEMPLATES).join(", ")}`);
  return { kind: "create", folder, template };
}

function refused(problem: string): CreateCommand {
  return { kind: "refused", problem };
}
