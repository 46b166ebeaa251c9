import type { AgentCounts } from "./agent-series.js";

/** A counter of events: how its value, or its value by one further label, is read from the counts of an agent. */
export interface CounterDefinition {
  readonly name: string;
  readonly help: string;
  readonly label?: string;
  read(counts: AgentCounts): Iterable<readonly [label: string, count: number]>;
}

export const COUNTERS: readonly CounterDefinition[] = [
  {
    name: "hawser_events_accepted_total",
    help: "Events accepted for agents and on disk.",
    read: ({ accepted }) => [["", accepted]],
  },
  {
    name: "hawser_events_sent_total",
    help: "Events handed to a connection, resends among them.",
    read: ({ sent }) => [["", sent]],
  },
  {
    name: "hawser_events_resent_total",
    help: "Events sent again within a session because no ACK came in time.",
    read: ({ resent }) => [["", resent]],
  },
  {
    name: "hawser_events_acked_total",
    help: "Events that agents acknowledged.",
    read: ({ acked }) => [["", acked]],
  },
  {
    name: "hawser_events_nacked_total",
    help: "Events that agents refused, for now (retryable) or for good.",
    label: "retryable",
    read: ({ nackedRetryable, nackedForGood }) => [
      ["true", nackedRetryable],
      ["false", nackedForGood],
    ],
  },
  {
    name: "hawser_events_rejected_total",
    help: "Events that publishers handed in and that were not accepted, by error code.",
    label: "code",
    read: ({ rejected }) => rejected.entries(),
  },
  {
    name: "hawser_dead_letters_total",
    help: "Events that went to the dead letters, by error code.",
    label: "code",
    read: ({ deadLetters }) => deadLetters.entries(),
  },
  {
    name: "hawser_events_purged_total",
    help: "Pending events that somebody threw away.",
    read: ({ purged }) => [["", purged]],
  },
  {
    name: "hawser_events_applied_total",
    help: "Events of agents that were applied here.",
    read: ({ applied }) => [["", applied]],
  },
  {
    name: "hawser_events_skipped_total",
    help: "Events of agents that were acknowledged without being applied again.",
    label: "why",
    read: ({ skipped }) => Object.entries(skipped),
  },
  {
    name: "hawser_events_refused_total",
    help: "Events of agents that were refused here, for now (retryable) or for good.",
    label: "retryable",
    read: ({ refusedRetryable, refusedForGood }) => [
      ["true", refusedRetryable],
      ["false", refusedForGood],
    ],
  },
];
