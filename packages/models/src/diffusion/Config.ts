import { check, EtalonError } from "@etalon/errors";

/**
 * Reads a config.json field by field, and in the end refuses every field that was not read: an option that this package does not have is never ignored. Messages name the
 * model's class, the field, its value and what is allowed.
 */
export class Config {
  readonly #owner: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  constructor(owner: string, fields: unknown) {
    if (typeof fields !== "object" || fields === null || Array.isArray(fields))
      throw new EtalonError("BAD_CONFIG", { argument: `config of ${owner}`, value: fields, allowed: "a JSON object" });
    this.#owner = owner;
    this.#fields = fields as Record<string, unknown>;
  }

  /** A field's value, or what stands for it where it is left out. A null is a value: it means something else, or nothing, and the reader of the field refuses it. */
  #take(name: string, missing: unknown): unknown {
    this.#read.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === undefined ? missing : value;
  }

  #at(name: string): string {
    return `${name} of ${this.#owner}`;
  }

  #refuse(name: string, value: unknown, allowed: string): never {
    throw new EtalonError("BAD_CONFIG", { argument: this.#at(name), value, allowed });
  }

  /** A whole number ≥ 1. */
  count(name: string, missing?: number): number {
    return check.count(this.#at(name), this.#take(name, missing));
  }

  number(name: string, missing: number, range: Parameters<typeof check.range>[2] = {}): number {
    return check.range(this.#at(name), this.#take(name, missing), range);
  }

  flag(name: string, missing: boolean): boolean {
    const value = this.#take(name, missing);
    return typeof value === "boolean" ? value : this.#refuse(name, value, "true, false");
  }

  text<const T extends string>(name: string, missing: T, allowed: readonly T[]): T {
    return check.oneOf(this.#at(name), this.#take(name, missing), allowed, "UNSUPPORTED");
  }

  /** A list of names. */
  texts<const T extends string>(name: string, missing: readonly T[], allowed: readonly T[]): T[] {
    const value = this.#take(name, missing);
    if (!Array.isArray(value) || value.length === 0) this.#refuse(name, value, "a list of names");
    return value.map((item, i) => check.oneOf(this.#at(`${name}[${i}]`), item, allowed, "UNSUPPORTED"));
  }

  counts(name: string, missing: readonly number[]): number[] {
    const value = this.#take(name, missing);
    if (!Array.isArray(value) || value.length === 0) this.#refuse(name, value, "a list of whole numbers ≥ 1");
    return value.map((item, i) => check.count(this.#at(`${name}[${i}]`), item));
  }

  /** A whole number, or a pair of them. */
  countOrPair(name: string): number[] {
    const value = this.#take(name, undefined);
    const list = Array.isArray(value) && value.length === 2 ? value : [value];
    return list.map((item) => check.count(this.#at(name), item));
  }

  /** A whole number for all of `length` blocks, or a list with one for each. */
  countEach(name: string, missing: number, length: number): number[] {
    const value = this.#take(name, missing);
    if (!Array.isArray(value)) return Array<number>(length).fill(check.count(this.#at(name), value));
    if (value.length !== length) this.#refuse(name, value, `a number, or a list of ${length}`);
    return value.map((item, i) => check.count(this.#at(`${name}[${i}]`), item));
  }

  flagEach(name: string, missing: boolean, length: number): boolean[] {
    const value = this.#take(name, missing);
    if (typeof value === "boolean") return Array<boolean>(length).fill(value);
    if (Array.isArray(value) && value.length === length && value.every((item) => typeof item === "boolean")) return value as boolean[]; // biome-ignore format: one thought
    return this.#refuse(name, value, `true, false, or a list of ${length} of them`);
  }

  /** Whether the field is there and not null: for those that diffusers itself leaves at None. */
  has(name: string): boolean {
    this.#read.add(name);
    return (this.#fields[name] ?? null) !== null;
  }

  /** Fields that have to be left out or one of the values listed; null where none is listed. The options that this package does not have. */
  only(fields: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [name, values] of Object.entries(fields)) {
      const value = this.#take(name, undefined);
      const off = values.length === 0 ? [null] : values;
      if (value === undefined || off.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
      const allowed = ["left out", ...off.map((one) => JSON.stringify(one))].join(", ");
      throw new EtalonError("UNSUPPORTED", { argument: this.#at(name), value, allowed });
    }
  }

  /** Fields that change no result here, whatever they are. */
  ignore(...names: string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** @throws EtalonError UNSUPPORTED: a field that was not read and is not null; names that begin with _ are notes */
  end(): void {
    for (const [name, value] of Object.entries(this.#fields)) {
      if (this.#read.has(name) || name.startsWith("_") || value === null) continue;
      throw new EtalonError("UNSUPPORTED", { argument: this.#at(name), value, allowed: "a config without it" });
    }
  }
}
