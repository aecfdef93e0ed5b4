/** What the calls write their numbers into: calls are synchronous, and the addon reads all before it computes. */
export const numbers = new Float64Array(48);
