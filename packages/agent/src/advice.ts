import type { ErrorCode } from "@hawser/protocol";

/** What an operator has to do about a refusal that does not end by itself. */
export function advice(code: ErrorCode | undefined): string {
  switch (code) {
    case "unauthenticated":
      return "Give this agent a credential the principal accepts; it is read again when it changes.";
    case "forbidden":
      return "The credential belongs to another agent: correct the name or the credential.";
    case "invalid_agent_name":
      return "Change the agent's name to one the principal accepts.";
    case "unsupported_version":
      return "Agent and principal have no protocol version in common: update the older one.";
    case "store_rolled_back":
      return "A backup or snapshot was put back and started: stop the side the message names, run 'hawser adopt' on its data directory (of an agent: the directory 'store' in it), start it.";
    case "agent_removed":
      return "This agent was removed at the principal. If it is to come back, run 'hawser agents readmit NAME' there: it begins anew then. If it is not, stop this service.";
    case "superseded":
      return "Two agents run under one name: stop one, or give it a name of its own.";
    default:
      return "Look at the principal's log for the reason.";
  }
}
