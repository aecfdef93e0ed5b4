// Prints which engine auto takes in a process of its own, and what a few operations give on it. Arguments: functions of node:util to take away first, as newer versions of Node have.
import util from "node:util";
import { answers } from "./answers.ts";

for (const name of process.argv.slice(2)) delete (util as unknown as Record<string, unknown>)[name];
console.log(JSON.stringify(await answers()));
