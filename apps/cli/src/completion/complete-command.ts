/** Hidden: scripts of completion ask by it. */
export const COMPLETE_COMMAND = "__complete";
