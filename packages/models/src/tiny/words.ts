/** A text as lower-case words of letters, digits and inner hyphens; everything else parts words. */
export function words(text: string): string[] {
  return (
    text
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[\u0300-\u036f’']/g, "")
      .match(/[a-z0-9]+(?:-[a-z0-9]+)*/g) ?? []
  );
}
