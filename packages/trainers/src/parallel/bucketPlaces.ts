/** Where a variable's gradient lies. */
export interface Place {
  name: string;
  shape: number[];
  bucket: number;
  begin: number;
  end: number;
}

/** A variable, or as much of it as counts here. */
export interface Sized {
  shape: number[];
  size: number;
}

/**
 * How gradients lie in the arrays that they travel in: variables in their order, some in an array, each array of about `bytes`; one larger than that has its own. The last array ends with a number a variable.
 * @returns their places, and the arrays' lengths
 */
export function bucketPlaces(variables: ReadonlyMap<string, Sized>, bytes: number): { places: Place[]; sizes: number[] } {
  const places: Place[] = [];
  const sizes = [0];
  for (const [name, { shape, size }] of variables) {
    if (sizes[sizes.length - 1] > 0 && 4 * (sizes[sizes.length - 1] + size) > bytes) sizes.push(0);
    const [bucket, begin] = [sizes.length - 1, sizes[sizes.length - 1]];
    places.push({ name, shape, bucket, begin, end: begin + size });
    sizes[bucket] += size;
  }
  sizes[sizes.length - 1] += variables.size;
  return { places, sizes };
} // biome-ignore format: one signature
