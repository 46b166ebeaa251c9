export { Child } from "../child-process.js";
export { agentName } from "../agent-name.js";
export type { FleetCommands, FleetEvent, FleetReport, FleetStart } from "./fleet-commands.js";
export { busiestSecond } from "./busiest-second.js";
