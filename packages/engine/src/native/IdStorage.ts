import type { DataId } from "@tensorflow/tfjs";

const slot = Symbol("a native tensor's values");

/** A tensor's id, which is an object and no more; what it stands for lies in it. */
interface Id<T> {
  [slot]?: T;
}

/**
 * tfjs's DataStorage without its weak map: a look-up is the read of a property, and there is no table that the garbage collector must go through. One a process.
 * tfjs's ids are objects of their own, kept alive by their tensors, so what lies in them lives as long.
 */
export class IdStorage<T extends object> {
  #count = 0;
  readonly #bring: (dataId: DataId) => void;

  /** @param bring  `set`s what an id stands for that is not here, or throws */
  constructor(bring: (dataId: DataId) => void) {
    this.#bring = bring;
  }

  get(dataId: DataId): T {
    const known = (dataId as Id<T>)[slot];
    if (known !== undefined) return known;
    this.#bring(dataId);
    return (dataId as Id<T>)[slot] as T;
  }

  set(dataId: DataId, value: T): void {
    this.#count++;
    (dataId as Id<T>)[slot] = value;
  }

  has(dataId: DataId): boolean {
    return (dataId as Id<T>)[slot] !== undefined;
  }

  delete(dataId: DataId): boolean {
    this.#count--;
    const known = this.has(dataId);
    (dataId as Id<T>)[slot] = undefined; // faster than to take the property away
    return known;
  }

  numDataIds(): number {
    return this.#count;
  }
}
