import type { ErrorCode } from "@hawser/protocol";

export interface Explanation {
  readonly happened: string;
  readonly todo: string;
}

/** Every code there is, and no other: the compiler and a test hold the two against each other. */
export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  invalid_event: {
    happened: "What was sent is not a valid CloudEvent, or its data contradicts its attributes.",
    todo: "Correct the attribute, or the number, that the message names. 'hawser send --help' shows an event that is right. Among dead letters: the other side could not read the event, so sending it again will not do; send a correct one.",
  },
  missing_resourceid: {
    happened:
      "An event came without a usable resourceid, so nobody can tell what it is about or keep it in order.",
    todo: "Set resourceid to NAME_UID, such as order_17 (hawser send --resource order_17).",
  },
  invalid_eventid: {
    happened:
      "A peer sent an eventid that is not a version: a decimal number from 1, without leading zeros, as text.",
    todo: "Correct the implementation that sent it. Publishers leave eventid away: the mailbox gives it.",
  },
  unknown_type: {
    happened: "The event has a type under 'hawser.' that this side does not know.",
    todo: "Use a type of your own, such as com.example.order.v1. If it is a newer type of Hawser, update the older side.",
  },
  invalid_message: {
    happened: "A request or a control message is malformed, or not allowed now.",
    todo: "Read the message: it names the field or parameter. Between services, correct the implementation that sent it.",
  },
  event_too_large: {
    happened:
      "The event is larger than 1,000,000 bytes as JSON; it was refused before anything was kept. Among dead letters: it was kept under other rules, and no frame can hold it.",
    todo: "Keep the data elsewhere and send a reference to it, or split it.",
  },
  frame_too_large: {
    happened:
      "A peer sent a message above 1 MiB. It was not parsed, and the connection was closed with 1009.",
    todo: "Correct the implementation that sent it; Hawser's own refuse such an event at the publisher.",
  },
  unsupported_subprotocol: {
    happened:
      "A WebSocket client offered neither cloudevents.json nor cloudevents.proto, or sent text where binary was agreed.",
    todo: "Offer one of the two in Sec-WebSocket-Protocol. Behind a proxy, see that it passes this header on.",
  },
  unsupported_version: {
    happened: "Agent and principal have no protocol version in common.",
    todo: "Update the older of the two. 'hawser status' shows what the principal speaks; the agent's log what it offered.",
  },
  unauthenticated: {
    happened: "Credentials are missing, expired or wrong.",
    todo: "Agents: renew the token or certificate; it is read again by itself. The command line: --token-file, HAWSER_TOKEN or a context; 'hawser doctor' tells.",
  },
  forbidden: {
    happened: "The credentials are good, but not for this agent name or this action.",
    todo: "Use the credentials of this agent, or let its token speak for this name in the agent tokens file.",
  },
  invalid_agent_name: {
    happened: "The name breaks the rule: a-z, 0-9, '.' and '-', up to 128 characters.",
    todo: "Rename the agent as the message says. Its mailbox is kept under its name, so choose one that stays.",
  },
  window_exceeded: {
    happened: "A peer had more un-ACKed events in flight than the receiver had announced.",
    todo: "Correct the implementation that sent them: it has to wait for ACKs.",
  },
  slow_consumer: {
    happened:
      "The peer does not read, and what waits to be written to it reached its bound. The connection was closed; nothing is lost.",
    todo: "Look for what blocks the reader: CPU, a stopped process, a network that loses packets.",
  },
  handshake_timeout: {
    happened: "A connection was opened, but no hello or no welcome came in time (10 s).",
    todo: "Look at load and network. Often something that is no agent connects to this port, such as a health check.",
  },
  heartbeat_timeout: {
    happened: "Nothing was heard from the peer for a minute or two, so the connection was ended.",
    todo: "Nothing: the agent reconnects. If it keeps happening, look for a device in between that drops idle connections.",
  },
  superseded: {
    happened: "A newer session of the same agent took over; this older one was ended.",
    todo: "Once is normal after a lost connection. If it repeats, two processes use the same name: stop one of them.",
  },
  draining: {
    happened: "The principal is going away, for a deploy or a stop, and spreads its agents out.",
    todo: "Nothing: each agent comes back at its own slot. Publishers try again after retry-after.",
  },
  overloaded: {
    happened:
      "More work came than can be taken now, or one agent opens sessions too fast (ten a second, or twelve a minute with another store each time); the answer names when to come again.",
    todo: "Come back at that time. If it lasts, raise --max-sessions or give the principal more room. One agent alone: find out what restarts it, and give it a directory to keep its state in.",
  },
  mailbox_full: {
    happened:
      "The mailbox of this agent is at its cap, so the publisher was refused. Nothing accepted was dropped.",
    todo: "Bring the agent back (hawser describe AGENT), throw away what nobody wants any more (hawser agents purge AGENT), discard its dead letters, or raise --mailbox-max-entries.",
  },
  inbox_full: {
    happened:
      "So many resources of this peer are remembered that there is no room for one more: an event of it, often the oldest, has not been answered for long, or the peer does not say which are settled. Its new events are refused, and tried again. Or an agent holds as many resources as it may (100,000). Or what is being applied takes as much memory as it may (eight times --window-bytes): large events made of many small parts. Or the principal's log of what agents send is full of events that a sink waits for.",
    todo: "Look at the oldest event the peer has pending, and at its dead letters: once that one is settled, the rest is forgotten. A foreign implementation has to raise `settled` in its heartbeats. An agent that holds too much needs some of its resources deleted. Large events go on as soon as handlers end. A full log goes on once its sinks do: 'hawser sinks list' shows which is behind, and why.",
  },
  store_full: {
    happened: "The disk, or the store as a whole, is full. Reading goes on, writing is refused.",
    todo: "Free space; it goes on by itself. 'hawser doctor --data-dir PATH' shows what is left.",
  },
  store_unavailable: {
    happened:
      "The store cannot be reached or written just now, or what it keeps of this agent is being removed.",
    todo: "Try again. If it lasts, look into the log of the service: it has the cause.",
  },
  store_corrupt: {
    happened:
      "What the store holds contradicts itself: something other than Hawser wrote there, or the disk is damaged.",
    todo: "Start with an empty data directory and apply the manifests again, or put a backup there and make it fit to be started on with hawser adopt. Keep the damaged one to report it.",
  },
  store_rolled_back: {
    happened:
      "A store was put back to an older copy (a backup, a snapshot, a disk of yesterday) and started as if nothing had happened: the other side proved that it had given out versions, or recorded events, that it no longer knows. Going on would lose events in silence, so no session is opened with it.",
    todo: "The message names the side: this agent or the principal. Stop that process, run hawser adopt on its data directory (on an agent, the directory 'store' in it), start it again. Agents that were refused come back within ten minutes, or at once when they are restarted.",
  },
  agent_removed: {
    happened:
      "An agent of this name was removed (hawser agents remove), so it is refused when it comes back, and nothing is accepted for it.",
    todo: "If it is to come back: hawser agents readmit AGENT; it begins anew. If not: stop its service on its machine, or what publishes to it. hawser agents --removed lists them all.",
  },
  conflict: {
    happened: "The resource was changed by somebody else since it was read.",
    todo: "Read it again (hawser get), decide, and apply again.",
  },
  not_found: {
    happened: "There is no such agent, resource or dead letter.",
    todo: "Check the name: 'hawser agents' and 'hawser get AGENT' show what there is.",
  },
  expired: {
    happened: "A command reached its expirytime before the agent applied it, so it went to the dead letters.",
    todo: "Decide whether it still makes sense: 'hawser dead-letters requeue' or 'discard'. Compare clocks with 'hawser doctor'.",
  },
  no_handler: {
    happened: "The agent has nothing that handles this type or kind.",
    todo: "Correct the kind, or give the agent a handler for it; then 'hawser dead-letters requeue AGENT EVENT'.",
  },
  kind_disabled: {
    happened:
      "The agent knows this kind, and whoever runs the agent has not allowed it: kinds that touch its machine are off until its own settings turn them on.",
    todo: "Start the agent with --config-file-root DIR for ConfigFile, or --task-allow FILE for Task (its README says what goes into the file); then 'hawser dead-letters requeue AGENT EVENT'.",
  },
  handler_failed: {
    happened:
      "The agent's handler threw or was cut short. The event stays and is tried again, with longer and longer waits.",
    todo: "Nothing at first. If it goes on, 'hawser events AGENT --step nacked' shows why; correct what it names.",
  },
  handler_rejected: {
    happened: "The agent's handler looked at the event and refused it for good: it would never succeed.",
    todo: "Read the message ('hawser dead-letters list AGENT'), correct the spec and apply it again.",
  },
  port_in_use: {
    happened: "Another process listens on the port that was asked for.",
    todo: "Choose another port (0 lets the system choose), or stop the other process: ss -ltnp shows it.",
  },
  address_unavailable: {
    happened: "The address to listen on is none of this machine.",
    todo: "Correct --listen or --api-listen: 127.0.0.1, an address of this machine, or :PORT for all.",
  },
  connection_failed: {
    happened: "No connection to the principal could be opened.",
    todo: "Check the agent's --url, its proxy, DNS, firewalls and TLS: the principal's certificate has to name the host among its subject alternative names. It goes on trying by itself.",
  },
  connection_closed: {
    happened: "The connection ended without a close: a process died, or the network cut it.",
    todo: "Nothing: the agent reconnects, and what was not acknowledged goes again.",
  },
  invalid_config: {
    happened: "A setting is missing, unknown or out of range. The service did not start.",
    todo: "Correct the setting the message names; --check tries what a start would and undoes it.",
  },
  invalid_state: {
    happened:
      "A program that uses the packages of Hawser called something at the wrong time: it started what was started already, for instance, or used what had ended.",
    todo: "Correct the order of the calls in that program; the message names the call. From one of our own services it is a bug: report it with the log.",
  },
  timeout: {
    happened: "A step did not finish in its time.",
    todo: "Look at load and network, and try again: what was accepted stays accepted.",
  },
  aborted: {
    happened: "The caller gave up before there was an answer.",
    todo: "Nothing. Whether it was accepted is not known: sending the same id again is safe.",
  },
  internal: {
    happened: "A bug, or a code of a newer peer that this side does not know.",
    todo: "Report it with the log of the service; the answer's request id finds the line.",
  },
};
