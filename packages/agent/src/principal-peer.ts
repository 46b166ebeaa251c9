/** The name the principal has in an agent's store; an agent has one peer. */
export const PRINCIPAL = "principal";
