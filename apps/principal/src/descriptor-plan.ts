import { DEFAULT_API_SERVER_OPTIONS } from "@hawser/principal-api";
import type { ServiceNotice } from "@hawser/service";
import type { PrincipalSettings } from "./settings.js";

/** The process itself and its store: 28 when idle, as counted in /proc, and what a compaction of the store opens. */
const OWN = 100;
/** Beside the connections of the API: the health port, the internal port, and files that are opened for a moment. */
const SPARE_BESIDE_API = 100;
/** Where the limit is low, what is kept back for the API, health and store, and of it for the API and for health. */
const SPARE_SHARE = 1 / 4;
const API_SHARE = 1 / 2;
const HEALTH_SHARE = 1 / 4;
/** Of what is left to agents then, what is for connections that are no session yet: as many as among the defaults. */
const UNAUTHENTICATED_SHARE = 1 / 6;

type Wanted = Pick<PrincipalSettings, "maxSessions" | "maxUnauthenticated">;

/** Who may have how many descriptors of this process. */
export interface DescriptorPlan extends Wanted {
  /** Undefined: as many as the server takes by itself. */
  readonly maxApiConnections: number | undefined;
  readonly maxHealthConnections: number | undefined;
  /** No socket of an agent gets a descriptor from this number on. Undefined: the limit is not known. */
  readonly maxDescriptor: number | undefined;
  readonly openFiles: { readonly limit: number; readonly needed: number } | undefined;
}

/**
 * Shares out what the limit of open files lets this process have. Where all fit, everybody gets what the settings say; where not, agents get less, so that they are refused in
 * words and with a time to come back, and a quarter is kept for the API, health and the store. A limit that is not known changes nothing.
 */
export function planDescriptors(
  { maxSessions, maxUnauthenticated }: Wanted,
  limit: number | undefined,
): DescriptorPlan {
  const asWanted = {
    maxSessions,
    maxUnauthenticated,
    maxApiConnections: undefined,
    maxHealthConnections: undefined,
  };
  if (limit === undefined) return { ...asWanted, maxDescriptor: undefined, openFiles: undefined };
  const wantedSpare = DEFAULT_API_SERVER_OPTIONS.maxConnections + SPARE_BESIDE_API;
  const needed = OWN + maxSessions + maxUnauthenticated + wantedSpare;
  const openFiles = { limit, needed };
  if (needed <= limit) return { ...asWanted, maxDescriptor: limit - wantedSpare, openFiles };
  const spare = Math.min(wantedSpare, Math.floor(limit * SPARE_SHARE));
  const forAgents = Math.max(2, limit - spare - Math.min(OWN, spare));
  const strangers = Math.max(1, Math.floor(forAgents * UNAUTHENTICATED_SHARE), forAgents - maxSessions);
  const fewer = Math.min(maxUnauthenticated, strangers);
  return {
    maxSessions: Math.min(maxSessions, forAgents - fewer),
    maxUnauthenticated: fewer,
    maxApiConnections:
      spare < wantedSpare
        ? Math.max(1, Math.floor(spare * API_SHARE))
        : DEFAULT_API_SERVER_OPTIONS.maxConnections,
    maxHealthConnections: spare < wantedSpare ? Math.max(1, Math.floor(spare * HEALTH_SHARE)) : undefined,
    maxDescriptor: limit - spare,
    openFiles,
  };
}

/** What whoever runs this should know of the limit; nothing where all fit. */
export function descriptorNotices(wanted: Wanted, limit: number | undefined): readonly ServiceNotice[] {
  const { openFiles, maxSessions, maxUnauthenticated } = planDescriptors(wanted, limit);
  if (openFiles === undefined || openFiles.needed <= openFiles.limit) return [];
  const { needed } = openFiles;
  return [
    {
      detail:
        `the limit of open files is ${openFiles.limit}, and --max-sessions ${wanted.maxSessions}, --max-unauthenticated ${wanted.maxUnauthenticated}, ` +
        `the API and the store may need ${needed}: at most ${maxSessions} sessions and ${maxUnauthenticated} other connections of agents are held`,
      fix: `raise the limit to ${needed} (LimitNOFILE= of systemd, ulimit -n, --ulimit nofile= of a container), or lower --max-sessions and --max-unauthenticated`,
    },
  ];
}
