/** Of the agent with this number. */
export function agentName(agent: number): string {
  return `agent-${agent}`;
}
