import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { composeMissing } from "./support/compose.js";
import { docker } from "./support/docker.js";
import { blocksOf } from "./support/markdown.js";
import { ROOT } from "./support/typescript-examples.js";

// What is in the images, and that they can be built for a platform that this machine is not of.

const missing = composeMissing();
const why = missing === undefined ? "" : ` (skipped: ${missing})`;
const BUILD_MS = 1_200_000;
const AARCH64 = 183;
const ELF_MACHINE_OFFSET = 18;

const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
const readme = blocksOf(await readFile(join(ROOT, "deploy", "README.md"), "utf8"));

const contentsSchema = z.object({
  uid: z.number(),
  packages: z.array(z.string()),
  risky: z.array(z.string()),
  document: z.string(),
  sbom: z.string(),
});
const componentSchema = z.object({
  group: z.string().optional(),
  name: z.string(),
  version: z.string(),
  licenses: z.array(z.unknown()).min(1),
});
const sbomSchema = z.object({
  metadata: z.object({ component: componentSchema }),
  components: z.array(componentSchema),
});
const imageSchema = z.tuple([
  z.object({
    Config: z.object({
      User: z.string(),
      Labels: z.record(z.string(), z.string()),
      Healthcheck: z.object({ Test: z.array(z.string()) }).optional(),
    }),
  }),
]);
const lockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });

function idOf({ group, name, version }: z.infer<typeof componentSchema>): string {
  return `${group === undefined ? "" : `${group}/`}${name}@${version}`;
}

/** What the program in `fixtures` says there, with as little as a container can have. */
async function contentsOf(image: string): Promise<z.infer<typeof contentsSchema>> {
  const fixtures = join(ROOT, "e2e", "fixtures");
  const hardened = [
    "--read-only",
    "--network",
    "none",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
  ];
  const mount = ["--volume", `${fixtures}:/fixtures:ro`, "--entrypoint", "node"];
  return contentsSchema.parse(
    JSON.parse(await docker("run", "--rm", ...hardened, ...mount, image, "/fixtures/image-contents.mjs")),
  );
}

describe("the Dockerfile", () => {
  const stages = dockerfile.split(/^(?=FROM )/m).slice(1);

  it("runs programs on the builder's platform alone: the images are made of copied files", () => {
    expect(stages.filter((stage) => stage.startsWith("FROM --platform=$BUILDPLATFORM "))).toHaveLength(1);
    const others = stages.filter((stage) => !stage.startsWith("FROM --platform=$BUILDPLATFORM "));
    expect(others.length).toBeGreaterThanOrEqual(3);
    expect(others.filter((stage) => /^(RUN|ADD)\b/m.test(stage))).toEqual([]);
  });

  it("names its base once, as an argument", () => {
    expect(dockerfile.match(/^ARG BASE=.*$/gm)).toEqual(["ARG BASE=node:24-bookworm-slim"]);
    const bases = stages.map((stage) => /^FROM (?:--platform=\S+ )?(\S+)/.exec(stage)?.[1]);
    expect(new Set(bases)).toEqual(new Set(["${BASE}", "service"]));
  });
});

describe.skipIf(missing !== undefined)(`the images${why}`, () => {
  beforeAll(async () => {
    // As deploy/README.md builds them.
    const [build] = readme.filter(({ language, label }) => `${language} ${label}` === "sh images");
    await promisify(execFile)("bash", ["-ec", build?.code ?? "false"], { cwd: ROOT, timeout: BUILD_MS });
  }, BUILD_MS);

  it.each([
    ["hawser-principal", "@hawser/app-principal", true],
    ["hawser-agent", "@hawser/app-agent", true],
    ["hawser-cli", "hawser", false],
  ])("%s holds what its document says, and nothing that may do harm", async (image, app, service) => {
    const [{ Config }] = imageSchema.parse(JSON.parse(await docker("image", "inspect", image)));
    expect(Config.User).toBe("1000:1000");
    expect(Config.Labels).toMatchObject({
      "org.opencontainers.image.title": image === "hawser-cli" ? "hawser" : image,
      "org.opencontainers.image.licenses": "Apache-2.0",
    });
    expect(Config.Healthcheck?.Test[0]).toBe(service ? "CMD" : undefined);

    const { uid, packages, risky, document, sbom } = await contentsOf(image);
    expect(uid).toBe(1000);
    expect(risky).toEqual([]);
    expect(document).toBe(`${image}.cdx.json`);
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(sbom)).toBe(null);
    const { metadata, components } = sbomSchema.parse(JSON.parse(sbom));
    expect(idOf(metadata.component)).toMatch(new RegExp(`^${app}@`));
    expect([metadata.component, ...components].map(idOf).sort()).toEqual(packages.sort());

    // What is installed is what the lockfile has, and what tests it is not there.
    const lock = lockSchema.parse(parse(await readFile(join(ROOT, "pnpm-lock.yaml"), "utf8")));
    const foreign = packages.filter((id) => !/^(@hawser\/|hawser@)/.test(id));
    expect(foreign.filter((id) => lock.packages[id] === undefined)).toEqual([]);
    expect(foreign.filter((id) => /^(vitest|typescript|fast-check|turbo|pnpm)@/.test(id))).toEqual([]);
  });

  it(
    "an image for arm64 is made without emulation: its native code is for that machine",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "hawser-arm64-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      // A base for arm64 is not to be had everywhere; what is copied onto it is.
      const file = join(folder, "Dockerfile");
      await writeFile(file, `${dockerfile}\nFROM scratch AS copied\nCOPY --from=build /out/agent /\n`);
      const output = ["--output", `type=local,dest=${join(folder, "out")}`];
      await docker(
        "buildx",
        "build",
        "--platform",
        "linux/arm64",
        "--target",
        "copied",
        "--file",
        file,
        ...output,
        ".",
      );
      const names = await readdir(join(folder, "out"), { recursive: true });
      const native = names.filter((name) => name.endsWith(".node"));
      expect(native.length).toBeGreaterThan(0);
      for (const name of native) {
        const bytes = await readFile(join(folder, "out", name));
        expect([name, bytes.readUInt16LE(ELF_MACHINE_OFFSET)]).toEqual([name, AARCH64]);
      }
      // The packages are those of the image for this machine.
      const document = await readFile(join(folder, "out", "sbom", "hawser-agent.cdx.json"), "utf8");
      expect(document).toBe((await contentsOf("hawser-agent")).sbom);
    },
    BUILD_MS,
  );
});
