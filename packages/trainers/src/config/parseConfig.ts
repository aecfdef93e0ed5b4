import { EtalonError, nearest } from "@etalon/errors";
import { z } from "zod";

/**
 * A value by a zod schema, its defaults filled in.
 * @throws EtalonError BAD_CONFIG: names the first key at fault by its path, its value and what is allowed; for a key that the schema does not have, the nearest one
 */
export function parseConfig<T extends z.ZodType>(schema: T, json: unknown): z.infer<T> {
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  throw explain(schema, json, result.error.issues[0]);
}

type Issue = z.core.$ZodIssue;

function explain(schema: z.ZodType, json: unknown, issue: Issue, above: PropertyKey[] = []): EtalonError {
  const path = [...above, ...issue.path];
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  if (issue.code === "unrecognized_keys") return unknownKey(schema, path, issue.keys[0]);
  if (issue.code === "invalid_union" && typeof value === "object" && value !== null) {
    const inner = issue.errors.map(([first]) => first).find((first) => first && isInside(first));
    if (inner) return explain(schema, json, inner, path);
  }
  return new EtalonError("BAD_CONFIG", {
    argument: path.join(".") || "config",
    value: value ?? issue.input,
    allowed: inWords(issue),
  });
}

/** Whether a branch of a union was the one meant: its fault lies within the object, or is a key of it. */
const isInside = (issue: Issue) => issue.path.length > 0 || issue.code === "unrecognized_keys";

function unknownKey(schema: z.ZodType, path: PropertyKey[], key: string): EtalonError {
  const known = keysAt(schema, path);
  const near = nearest(key, known);
  const name = [...path, key].join(".");
  const hint = near === undefined ? undefined : `Did you mean ${JSON.stringify([...path, near].join("."))}?`;
  const message = [`${name} is not a key; allowed: ${known.join(", ")}.`, hint].filter(Boolean).join(" ");
  return new EtalonError("BAD_CONFIG", { argument: name, allowed: known.join(", "), hint }, { message });
}

/** The keys that a schema has at a path; none where it is no object there. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let choices = objectsOf(schema);
  for (const key of path) {
    choices = choices.flatMap((choice) => {
      if (choice instanceof z.ZodArray) return objectsOf(choice.element as z.ZodType);
      const next = choice instanceof z.ZodObject ? (choice.shape[key as string] as z.ZodType | undefined) : undefined;
      return next ? objectsOf(next) : [];
    });
  }
  return choices.flatMap((choice) => (choice instanceof z.ZodObject ? Object.keys(choice.shape) : []));
}

/** The objects and lists under a schema's wrappers and unions. */
function objectsOf(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsOf(option as z.ZodType));
  const wrapped =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional;
  return wrapped ? objectsOf(schema.unwrap() as z.ZodType) : [schema];
}

/** Whether a branch of a union is for values of this type: the others say nothing to whoever gave one. */
const isOfType = (issue: Issue, value: unknown) => issue.code !== "invalid_type" || issue.expected === typeof value;

/** What zod expects, in words. */
const kinds: Record<string, string> = { int: "a whole number", number: "a number", string: "a text", boolean: "true or false", object: "an object", array: "a list" }; // biome-ignore format: a table

function inWords(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? `a value of type ${issue.expected}`;
    case "invalid_value":
      return issue.values.join(", ");
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? `${kinds[issue.origin]} that is not empty`
        : `a number ${issue.inclusive ? "≥" : ">"} ${issue.minimum}`;
    case "too_big":
      return `a number ${issue.inclusive ? "≤" : "<"} ${issue.maximum}`;
    case "invalid_union":
      return issue.errors
        .flatMap(([first]) => (first === undefined ? [] : [first]))
        .filter((first, _, all) => isOfType(first, issue.input) || !all.some((other) => isOfType(other, issue.input)))
        .map(inWords)
        .join(", or ");
    default:
      return issue.message;
  }
}
