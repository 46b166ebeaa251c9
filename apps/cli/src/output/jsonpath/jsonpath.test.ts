import { expect, it } from "vitest";
import { CommandError, EXIT_CODES } from "../../exit-codes.js";
import { evaluate } from "./evaluate.js";
import { parseTemplate } from "./parse-template.js";

const ROOT = {
  agent: "edge-1",
  state: "pending",
  spec: { path: "motd", "file.name": "a b", args: ["-c", "x", "y"], env: { A: "1", B: "2" } },
  resources: [
    { name: "motd", version: 4, state: "pending", waiting: { reason: "offline" } },
    { name: "clock", version: 11, state: "delivered" },
  ],
};

const of = (template: string, root: unknown = ROOT): string => evaluate(parseTemplate(template), root);

it.each([
  ["{.agent}", "edge-1"],
  [".agent", "edge-1"],
  ["$.spec.path", "motd"],
  ["{.spec.args[0]}", "-c"],
  ["{.spec.args[-1]}", "y"],
  ["{.spec.args[1:]}", "x y"],
  ["{.spec.args[*]}", "-c x y"],
  ["{.spec.args}", '["-c","x","y"]'],
  ["{.spec['file.name']}", "a b"],
  ["{.spec.file\\.name}", "a b"],
  ["{.spec.env.*}", "1 2"],
  ["{..name}", "motd clock"],
  ["{..version}", "4 11"],
  [`{.resources[?(@.state=="pending")].name}`, "motd"],
  [`{.resources[?(@.state != 'pending')].name}`, "clock"],
  ["{.resources[?(@.version >= 5)].name}", "clock"],
  ["{.resources[?(@.waiting)].name}", "motd"],
  ["{.resources[?(@.version > 99)].name}", ""],
  ["{.agent}/{.spec.path}", "edge-1/motd"],
  [`{range .resources[*]}{.name}{"\\t"}{.version}{"\\n"}{end}`, "motd\t4\nclock\t11\n"],
  [`{range .resources[*]}{.name}:{.waiting.reason} {end}`, "motd:offline clock: "],
  [`{"a } brace"}`, "a } brace"],
  ["{$}", JSON.stringify(ROOT)],
])("%s", (template, text) => {
  expect(of(template)).toBe(text);
});

it("takes a list as it is printed", () => {
  expect(of("{[*].name}", ROOT.resources)).toBe("motd clock");
  expect(of("{range [*]}{.name}{end}", ROOT.resources)).toBe("motdclock");
  expect(of("{[1].name}", ROOT.resources)).toBe("clock");
});

it.each([
  ["{.spec.pth}", /'\.spec\.pth' leads nowhere: where it ends there are path, file\.name, args, env;/],
  ["{.spec.args[9]}", /a list of 3 where it ends/],
  ["{.agent.name}", /below a value that has nothing below it/],
  ["{.constructor}", /leads nowhere/],
])("%s says what is there instead", (template, message) => {
  expect(() => of(template)).toThrow(message);
  expect(() => of(template)).toThrow(expect.objectContaining({ exitCode: EXIT_CODES.notFound }));
});

it.each([
  ["{.a", /is not closed/],
  ["{}", /nothing between the braces/],
  ["{end}", /ends no \{range\}/],
  ["{range .a}x", /has no \{end\}/],
  ["{.a[x]}", /'\[x\]' is no part of a path/],
  ["{.a[?(b)]}", /a filter is/],
  ["{.a[?(@.b == c)]}", /a value is/],
])("%s is refused", (template, message) => {
  expect(() => parseTemplate(template)).toThrow(message);
  expect(() => parseTemplate(template)).toThrow(CommandError);
});
