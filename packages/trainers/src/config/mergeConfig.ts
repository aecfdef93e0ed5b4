type Json = Record<string, unknown>;

/** Lays `over` on `under`, object by object; anything else in `over`, null and lists included, stands in the place of what was there. Changes neither. */
export function mergeConfig(under: object, over: object): Json {
  const merged: Json = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? mergeConfig(below, value) : value;
  }
  return merged;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
