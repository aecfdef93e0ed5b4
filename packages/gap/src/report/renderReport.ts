/** Placeholder signature, replaced below. */
export async function renderReport(dir: string): Promise<string> {
  return dir;
}
