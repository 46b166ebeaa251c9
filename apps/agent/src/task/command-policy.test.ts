import { chmod, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadAllowList } from "./allow-list-file.js";
import { type CommandPolicy, permit } from "./command-policy.js";
import { isForbiddenVariable } from "./forbidden-variables.js";
import { parseTaskSpec } from "./task-spec.js";

let directory: string;
let program: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "hawser-allow-")));
  program = join(directory, "program");
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o755);
  await mkdir(join(directory, "work"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function listed(content: string): Promise<CommandPolicy> {
  const file = join(directory, "allow.yaml");
  await writeFile(file, content);
  return { kind: "listed", commands: loadAllowList(file) };
}

const ask = (policy: CommandPolicy, spec: object) => permit(policy, parseTaskSpec({ ...spec }));

describe("an allow-list", () => {
  it("starts what it lists by its real path, without arguments, in /", async () => {
    const policy = await listed(`commands: [${program}]`);
    await symlink(program, join(directory, "link"));
    for (const command of [program, join(directory, "link"), `${directory}/work/../program`])
      expect(await ask(policy, { command })).toEqual({ command: program, args: [], cwd: "/", env: {} });
  });

  it.each([
    ["a name that PATH would find", { command: "program" }, "no absolute path"],
    ["a path relative to cwd", { command: "./program" }, "no absolute path"],
    ["another program", { command: "/bin/sh" }, "is not listed"],
    ["arguments", { args: ["-c", "id"] }, "without arguments"],
    ["PATH", { env: { PATH: "/tmp" } }, "variable PATH"],
    ["LD_PRELOAD", { env: { LD_PRELOAD: "/tmp/x.so" } }, "variable LD_PRELOAD"],
    ["BASH_ENV", { env: { BASH_ENV: "/tmp/x.sh" } }, "variable BASH_ENV"],
    ["a working directory", { cwd: "/tmp" }, "with this cwd"],
  ])("refuses %s for good", async (_, more, message) => {
    await expect(
      ask(await listed(`commands: [${program}]`), { command: program, ...more }),
    ).rejects.toMatchObject({
      code: "handler_rejected",
      message: expect.stringContaining(message),
    });
  });

  it("looks anew at each run: a listed path that has become a link leads nowhere else", async () => {
    const policy = await listed(`commands: [${program}]`);
    await rename(program, join(directory, "moved"));
    await symlink("/bin/sh", program);
    await expect(ask(policy, { command: program })).rejects.toMatchObject({ code: "handler_rejected" });
  });

  it("looks anew at the working directory at each run, also where the spec names none", async () => {
    const work = join(directory, "work");
    const policy = await listed(`commands: [{ command: ${program}, cwd: [${work}] }]`);
    expect(await ask(policy, { command: program })).toMatchObject({ cwd: work });
    await rename(work, join(directory, "moved"));
    await symlink("/", work);
    const refused = { code: "handler_rejected", message: expect.stringContaining(`cannot run in ${work}`) };
    await expect(ask(policy, { command: program })).rejects.toMatchObject(refused);
    await expect(ask(policy, { command: program, cwd: work })).rejects.toThrow("with this cwd");
  });

  it("leaves what is not there at the moment to the run, which says so", async () => {
    const work = join(directory, "work");
    const policy = await listed(`commands: [{ command: ${program}, cwd: [${work}] }]`);
    await rm(work, { recursive: true });
    await rm(program);
    for (const more of [{}, { cwd: work }])
      expect(await ask(policy, { command: program, ...more })).toMatchObject({ command: program, cwd: work });
  });

  it("takes arguments place by place, exactly or by a pattern that fits as a whole", async () => {
    const policy = await listed(
      `commands:
  - { command: ${program}, args: ["-a", { pattern: "/srv/[a-z]+" }], cwd: [${directory}/work], env: [PORT] }
  - { command: ${program}, args: any }`.replace(/\n.*args: any.*/, ""),
    );
    const good = { command: program, args: ["-a", "/srv/www"], env: { PORT: "1" } };
    expect(await ask(policy, good)).toMatchObject({ args: good.args, cwd: join(directory, "work") });
    expect(await ask(policy, { ...good, cwd: `${directory}/work/../work` })).toMatchObject({
      cwd: join(directory, "work"),
    });
    for (const args of [
      ["-a"],
      ["-a", "/srv/www/../etc"],
      ["-a", "/srv/www\n"],
      ["-a", "x/srv/www"],
      ["-a", "/srv/www", "b"],
    ])
      await expect(ask(policy, { ...good, args })).rejects.toThrow("these arguments");
  });

  it("takes the first entry of a program that fits", async () => {
    const policy = await listed(
      `commands: [{ command: ${program}, args: [a] }, { command: ${program}, args: [b] }]`,
    );
    expect(await ask(policy, { command: program, args: ["b"] })).toMatchObject({ args: ["b"] });
    await expect(ask(policy, { command: program, args: ["c"] })).rejects.toThrow("these arguments");
  });

  it.each([
    ["a relative path", "commands: [program]", "absolute path"],
    ["a link", "commands: [LINK]", "write its real path"],
    ["what is not there", "commands: [/no/such]", "ENOENT"],
    ["a directory", "commands: [DIRECTORY]", "is no file"],
    [
      "a variable that changes what runs",
      "commands: [{ command: PROGRAM, env: [LD_PRELOAD] }]",
      "LD_PRELOAD is never allowed",
    ],
    [
      "a pattern that is none",
      'commands: [{ command: PROGRAM, args: [{ pattern: "(" }] }]',
      "no regular expression",
    ],
    ["a key nobody knows", "commands: [{ command: PROGRAM, shell: true }]", "shell"],
    ["nothing", "commands: []", "commands"],
    ["broken YAML", "commands: [", "allow.yaml:"],
  ])("is refused with %s in it", async (_, content, message) => {
    await symlink(program, join(directory, "link"));
    const filled = content
      .replace("LINK", join(directory, "link"))
      .replace("DIRECTORY", directory)
      .replace("PROGRAM", program);
    await expect(listed(filled)).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining(message),
    });
  });
});

it.each(
  `LD_PRELOAD LD_LIBRARY_PATH BASH_ENV ENV NODE_OPTIONS PATH IFS PYTHONPATH PERL5OPT RUBYOPT GIT_SSH
  DYLD_INSERT_LIBRARIES GCONV_PATH LOCPATH GLIBC_TUNABLES npm_config_script_shell HOME LESSOPEN
  RSYNC_RSH RSYNC_CONNECT_PROG TAR_OPTIONS SSH_ASKPASS SUDO_ASKPASS KUBECONFIG AWS_CONFIG_FILE HGRCPATH
  DOTNET_STARTUP_HOOKS CORECLR_PROFILER_PATH MAKEFLAGS PSQLRC R_PROFILE_USER GUILE_LOAD_PATH GTK_MODULES MAVEN_OPTS
  SYSTEMD_PAGER CURL_HOME WGETRC BUN_OPTIONS COR_PROFILER DOCKER_CONFIG KRB5_CONFIG GOFLAGS RUSTFLAGS CC MAKEFILES
  PSQL_EDITOR PGSERVICEFILE BORG_PASSCOMMAND RESTIC_PASSWORD_COMMAND CVS_RSH SVN_SSH RUSTC_WRAPPER CCACHE_PREFIX
  GNUPGHOME ODBCINI AWKPATH XZ_OPT QT_PLUGIN_PATH VIMINIT JULIA_LOAD_PATH ANSIBLE_LIBRARY TF_CLI_CONFIG_FILE
  EDITOR VISUAL PAGER MANPAGER BROWSER SHELL CLASSPATH INPUTRC NETRC OPENSSL_CONF`.split(/\s+/),
)("%s can never be listed", (name) => {
  expect(isForbiddenVariable(name)).toBe(true);
});

it.each(
  `PORT LANG LC_ALL TZ HTTP_PROXY NO_PROXY RSYNC_PROXY RSYNC_PASSWORD PGHOST PGUSER AWS_REGION NAME BUILD_SRC
  FEATURE_FLAGS LOG_LEVEL DATABASE_URL DATA_DIR TERM`.split(/\s+/),
)("%s can be listed", (name) => {
  expect(isForbiddenVariable(name)).toBe(false);
});
