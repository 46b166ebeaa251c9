import {
  checkAgainst,
  HawserError,
  jsonOf,
  misfitText,
  subjectOf,
  type Checked,
  type JsonValue,
  type Kind,
  type StandardSchema,
} from "@hawser/protocol";
import type { CallLimits } from "@hawser/runtime";
import { allOf, type Page } from "../all-of.js";
import type { KindResources, Resources } from "./resources.js";
import type { PrincipalObserver } from "../principal-observer.js";
import type { KindView, ResourceView } from "../views.js";

export interface KindResourcesParts {
  readonly resources: Omit<Resources, "of">;
  readonly list: (kind: string, agent: string, page: Page) => Promise<readonly ResourceView[]>;
  readonly observer: PrincipalObserver;
  /** Waits for the work no longer than the caller wants to. */
  readonly limited: <T>(limits: CallLimits, agent: string, work: () => Promise<T>) => Promise<T>;
}

/** The resources of one kind, between a caller who knows its schemas and everything else, which does not. */
export function kindResources<Spec, Status, SpecInput, StatusInput>(
  kind: Kind<string, Spec, Status, SpecInput, StatusInput>,
  { resources, list, observer, limited }: KindResourcesParts,
): KindResources<Spec, Status, SpecInput> {
  const typed = (view: ResourceView): Promise<KindView<Spec, Status>> => kindView(kind, view);
  const typedIfAny = async (view: ResourceView | undefined): Promise<KindView<Spec, Status> | undefined> =>
    view && typed(view);

  async function page(agent: string, asked: Page): Promise<readonly KindView<Spec, Status>[]> {
    return limited(asked, agent, async () => Promise.all((await list(kind.name, agent, asked)).map(typed)));
  }

  return {
    put: (agent, name, spec, options = {}) =>
      limited(options, agent, async () => {
        const json = await fitting(kind, { agent, name, spec }, observer);
        const { resource, ...result } = await resources.put(agent, kind.name, name, json, options);
        return { resource: await typed(resource), ...result };
      }),
    get: (agent, name, limits = {}) =>
      limited(limits, agent, async () => typedIfAny(await resources.get(agent, kind.name, name, limits))),
    list: page,
    all: (agent, options) =>
      allOf({ read: (asked: Page) => page(agent, asked), keyOf: ({ name }) => name }, options),
    requestOutput: (agent, name, asked, limits) =>
      resources.requestOutput(agent, kind.name, name, asked, limits),
    delete: (agent, name, options = {}) =>
      limited(options, agent, async () =>
        typedIfAny(await resources.delete(agent, kind.name, name, options)),
      ),
  };
}

/** @throws HawserError `invalid_event` for a spec that is no JSON, or does not fit; `internal` for a schema that fails */
async function fitting(
  kind: Pick<Kind<string, unknown, unknown>, "name"> & { readonly spec: StandardSchema },
  { agent, name, spec }: { readonly agent: string; readonly name: string; readonly spec: unknown },
  observer: PrincipalObserver,
): Promise<JsonValue> {
  const what = `the spec of ${subjectOf(kind.name, name)}`;
  try {
    const json = jsonOf(spec);
    const checked = await checkAgainst(kind.spec, json);
    if (checked.ok) return json;
    throw new HawserError("invalid_event", misfitText(what, "spec", checked), { agent });
  } catch (thrown) {
    const { code, message } = HawserError.from(thrown);
    observer.rejected?.(agent, code);
    if (code !== "internal") throw thrown;
    throw new HawserError("internal", `${what} cannot be checked: ${message}`, { agent, cause: thrown });
  }
}

async function kindView<Spec, Status>(
  kind: Kind<string, Spec, Status, unknown, unknown>,
  view: ResourceView,
): Promise<KindView<Spec, Status>> {
  const [spec, status] = await Promise.all([
    view.state === "deleting" ? null : shown(kind.spec, view.spec),
    view.status === undefined ? undefined : shown(kind.status, view.status),
  ]);
  return { ...view, spec, status };
}

/** Whoever lists resources wants to see the others too: neither what does not fit nor a schema that fails is thrown. */
async function shown<T>(schema: StandardSchema<unknown, T>, raw: JsonValue): Promise<Checked<T>> {
  try {
    return await checkAgainst(schema, raw);
  } catch (thrown) {
    return {
      ok: false,
      issues: [{ path: "", message: HawserError.from(thrown).message }],
      issueCount: 1,
      raw,
    };
  }
}
