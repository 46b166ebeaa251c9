import { sendProcess } from "./send/main.js";
import { serve } from "./serve.js";

const [, , command, ...args] = process.argv;
await (command === "send" ? sendProcess(args) : serve());
