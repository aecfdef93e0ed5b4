/**
 * The first key that comes twice in one object of a JSON text, at any depth; undefined where there is none. JSON.parse lets the later one win in silence.
 * One pass, linear in the text.    @param text  valid JSON
 */
export function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // the keys of each object that is open; undefined for an array
  for (let i = 0; i < text.length; i++) {
    const mark = text[i];
    if (mark === "{") open.push(new Set());
    else if (mark === "[") open.push(undefined);
    else if (mark === "}" || mark === "]") open.pop();
    else if (mark === '"') {
      const end = endOfText(text, i);
      const keys = open.at(-1);
      if (keys !== undefined && nextMark(text, end) === ":") {
        const key = JSON.parse(text.slice(i, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Just behind the closing quote of the text that opens at `start`. */
function endOfText(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

function nextMark(text: string, start: number): string {
  let i = start;
  while (text.charCodeAt(i) <= 32) i++;
  return text[i];
}
