import { HawserError } from "./errors.js";
import { quote } from "./text.js";

const NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;
const UID = /^[A-Za-z0-9-]{1,64}$/;
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/;
const MAX_NAME_LENGTH = 253;

/** `[a-z0-9]([a-z0-9.-]*[a-z0-9])?`, up to 253 characters. */
function isResourceName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_LENGTH && NAME.test(value);
}

/** `[A-Za-z0-9-]{1,64}`: the source of truth's name for one life of a resource. */
function isResourceUid(value: unknown): value is string {
  return typeof value === "string" && UID.test(value);
}

/** `[A-Z][A-Za-z0-9]{0,62}`. */
export function isResourceKind(value: unknown): value is string {
  return typeof value === "string" && KIND.test(value);
}

/** Why `kind` is not a resource kind. */
export function kindProblem(kind: unknown): string {
  return `resource kind ${quote(kind)} ${KIND_RULE}`;
}

/** The parts of a `resourceid`. */
export interface ResourceId {
  readonly name: string;
  /** From the source of truth. A new uid under an old name is another resource. */
  readonly uid: string;
}

/** `<name>_<uid>`; neither part contains `_`. @throws HawserError `invalid_event` */
export function resourceId(name: string, uid: string): string {
  checkName(name);
  if (!isResourceUid(uid)) throw new HawserError("invalid_event", `resource uid ${quote(uid)} ${UID_RULE}`);
  return `${name}_${uid}`;
}

/** @throws HawserError `invalid_event` */
export function parseResourceId(text: string): ResourceId {
  const separator = text.indexOf("_");
  const name = text.slice(0, separator);
  const uid = text.slice(separator + 1);
  if (separator > 0 && isResourceName(name) && isResourceUid(uid)) return { name, uid };
  throw new HawserError(
    "invalid_event",
    `resourceid ${quote(text)} is not <name>_<uid>, where the name ${NAME_RULE} and the uid ${UID_RULE}`,
  );
}

/** The parts of the `subject` of a state event. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
}

/** The `subject` of a state event, `<kind>/<name>`. @throws HawserError `invalid_event` */
export function subjectOf(kind: string, name: string): string {
  if (!isResourceKind(kind)) throw new HawserError("invalid_event", kindProblem(kind));
  checkName(name);
  return `${kind}/${name}`;
}

function checkName(name: string): void {
  if (isResourceName(name)) return;
  throw new HawserError("invalid_event", `resource name ${quote(name)} ${NAME_RULE}`);
}

/** @throws HawserError `invalid_event` */
export function parseSubject(text: string): Subject {
  const separator = text.indexOf("/");
  const kind = text.slice(0, separator);
  const name = text.slice(separator + 1);
  if (separator > 0 && isResourceKind(kind) && isResourceName(name)) return { kind, name };
  throw new HawserError(
    "invalid_event",
    `subject ${quote(text)} is not <kind>/<name>, where the kind ${KIND_RULE} and the name ${NAME_RULE}`,
  );
}

const NAME_RULE =
  "must be 1 to 253 characters of a-z, 0-9, - and . that begin and end with a letter or digit";
const UID_RULE = "must be 1 to 64 characters of A-Z, a-z, 0-9 and -";
const KIND_RULE = "must be an upper-case letter and up to 62 letters and digits";
