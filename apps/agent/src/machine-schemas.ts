import { z } from "zod";
import type { CgroupSetting } from "./task/task-cgroups.js";
import type { TaskUser } from "./task/task-limits.js";

/** The highest number of a user or a group. */
export const HIGHEST_ID = 4_294_967_294;

/** Permission bits in octal, such as `0755`; setuid, setgid and sticky cannot be given. */
export function fileMode(): z.ZodType<number> {
  const wrong = 'is not a file mode such as "0755"';
  return z
    .string(wrong)
    .regex(/^0?[0-7]{3}$/, wrong)
    .transform((value) => Number.parseInt(value, 8));
}

/** `uid` or `uid:gid`; a group that is not named has the number of the user. */
export function taskUser(): z.ZodType<TaskUser> {
  const wrong = 'is not a user by number, such as "1500" or "1500:1500"';
  return z.union([z.string(), z.int().transform(String)], wrong).transform((value, context) => {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(value);
    const uid = Number(match?.[1]);
    const gid = Number(match?.[2] ?? match?.[1]);
    if (match !== null && uid <= HIGHEST_ID && gid <= HIGHEST_ID) return { uid, gid };
    context.addIssue(wrong);
    return z.NEVER;
  });
}

/** `auto`, `off`, or the absolute path of a directory of cgroup v2. */
export function cgroupSetting(): z.ZodType<CgroupSetting> {
  const wrong = "is neither auto, off nor an absolute path";
  return z.string(wrong).transform((value, context): CgroupSetting => {
    if (value === "auto" || value === "off") return value;
    if (value.startsWith("/")) return { directory: value };
    context.addIssue(wrong);
    return z.NEVER;
  });
}
