import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readJson, ROOT } from "../packages/workspace.mjs";

const PROGRAM = fileURLToPath(new URL("../release-images.mjs", import.meta.url));
const DIGEST = `sha256:${"ab".repeat(32)}`;
const BASE = `node:24-bookworm-slim@${DIGEST}`;
const { version } = readJson(join(ROOT, "package.json"));

/** Says what is recorded, and leaves the file that the real one would. */
const DOCKER = `#!/bin/sh
printf '%s\\n' "$@" >> "$RECORD"
echo -- >> "$RECORD"
while [ $# -gt 1 ]; do if [ "$1" = --metadata-file ]; then echo '{"containerimage.digest":"${DIGEST}"}' > "$2"; fi; shift; done
exit "\${DOCKER_CODE:-0}"
`;
const GIT = `#!/bin/sh
case $1 in
status) printf '%s' "$CHANGED" ;;
rev-parse) echo 0123456789abcdef0123456789abcdef01234567 ;;
show) echo 1700000000 ;;
*) exit 1 ;;
esac
`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-release-"));
  for (const [name, text] of Object.entries({ docker: DOCKER, git: GIT })) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param {string[]} args */
function release(args, env = {}) {
  return spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      RECORD: join(folder, "record"),
      ...env,
    },
  });
}

function recorded() {
  const calls = readFileSync(join(folder, "record"), "utf8").split("--\n").filter(Boolean);
  return calls.map((call) => call.trimEnd().split("\n"));
}

/** What follows each of these. @param {string} flag @param {string[]} args */
function valuesOf(flag, args) {
  return args.flatMap((word, index) => (args[index - 1] === flag ? [word] : []));
}

describe("release-images", () => {
  it("builds each image for both platforms, attested and labelled, and says its digest", () => {
    const { status, stdout } = release(["--base", BASE, "--to", "registry.example/site"]);
    expect(status).toBe(0);
    const names = ["hawser-principal", "hawser-agent", "hawser-cli"];
    expect(stdout.trim().split("\n")).toEqual(
      names.map((name) => `release-images: registry.example/site/${name}:${version}@${DIGEST}`),
    );
    const calls = recorded();
    expect(calls.map((args) => valuesOf("--target", args))).toEqual([["principal"], ["agent"], ["cli"]]);
    for (const args of calls) {
      expect(args.slice(0, 2)).toEqual(["buildx", "build"]);
      expect(args.at(-1)).toBe(".");
      expect(valuesOf("--platform", args)).toEqual(["linux/amd64,linux/arm64"]);
      expect(valuesOf("--provenance", args)).toEqual(["mode=max"]);
      expect(valuesOf("--sbom", args)).toEqual(["true"]);
      expect(valuesOf("--output", args)).toEqual(["type=registry,rewrite-timestamp=true"]);
      expect(valuesOf("--build-arg", args)).toEqual([`BASE=${BASE}`, "SOURCE_DATE_EPOCH=1700000000"]);
      expect(valuesOf("--label", args)).toEqual([
        `org.opencontainers.image.version=${version}`,
        "org.opencontainers.image.revision=0123456789abcdef0123456789abcdef01234567",
        "org.opencontainers.image.created=2023-11-14T22:13:20Z",
        "org.opencontainers.image.base.name=node:24-bookworm-slim",
        `org.opencontainers.image.base.digest=${DIGEST}`,
      ]);
    }
  });

  it("builds for one platform into files, scanned by an image of one's own", () => {
    const output = "type=oci,dest={image}.tar";
    expect(
      release(["--base", BASE, "--platform", "linux/amd64", "--output", output, "--sbom-generator", "scan:1"])
        .status,
    ).toBe(0);
    expect(recorded().flatMap((args) => valuesOf("--sbom", args))).toEqual(Array(3).fill("generator=scan:1"));
    expect(recorded().flatMap((args) => valuesOf("--output", args))).toEqual([
      "type=oci,dest=hawser-principal.tar",
      "type=oci,dest=hawser-agent.tar",
      "type=oci,dest=hawser-cli.tar",
    ]);
  });

  it("--dry-run says the commands and runs none", () => {
    const { status, stdout } = release(["--base", BASE, "--to", "registry.example/site", "--dry-run"]);
    expect(status).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^docker buildx build .* \.$/);
    expect(() => recorded()).toThrow("ENOENT");
  });

  it.each([
    [
      "a base without a digest",
      ["--base", "node:24-bookworm-slim"],
      {},
      /has no digest.*node:24-bookworm-slim@sha256:/,
    ],
    [
      "a digest that is none",
      ["--base", "node:24@sha256:abc"],
      {},
      /--base node:24@sha256:abc has no digest/,
    ],
    ["no base", ["--base", undefined], {}, /--base is missing/],
    [
      "a version that is not the packages'",
      ["--version", "99.0.0"],
      {},
      /--version is 99.0.0, and the packages have/,
    ],
    [
      "changes",
      [],
      { CHANGED: " M Dockerfile\n?? a\n?? b\n?? c" },
      /no commit holds Dockerfile, a, b and 1 more/,
    ],
    ["nowhere to go", ["--to", undefined], {}, /--to is missing/],
  ])("refuses %s, and builds nothing", (_what, changes, env, complaint) => {
    /** @type {Map<string, string | undefined>} */
    const given = new Map([
      ["--base", BASE],
      ["--to", "registry.example/site"],
    ]);
    const [flag, value] = changes;
    if (flag !== undefined) given.set(flag, value);
    const args = [...given].flatMap(([name, said]) => (said === undefined ? [] : [name, said]));
    const { status, stderr } = release(args, env);
    expect(status).toBe(1);
    expect(stderr).toMatch(complaint);
    expect(() => recorded()).toThrow("ENOENT");
  });

  it("says so when it does not know a flag", () => {
    const { status, stderr } = release(["--bass", BASE]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^release-images: Unknown option '--bass'/);
  });

  it("ends at the first build that fails", () => {
    const { status, stderr } = release(["--base", BASE, "--to", "registry.example/site"], {
      DOCKER_CODE: "1",
    });
    expect(status).toBe(1);
    expect(stderr).toContain(`the build of registry.example/site/hawser-principal:${version} failed`);
    expect(recorded()).toHaveLength(1);
  });

  it("--help says what each flag does", () => {
    const { status, stdout } = release(["--help"]);
    expect(status).toBe(0);
    for (const flag of ["base", "to", "version", "platform", "sbom-generator", "output", "dry-run"])
      expect(stdout).toContain(`--${flag}`);
  });
});
