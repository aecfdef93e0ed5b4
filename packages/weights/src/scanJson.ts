/** What JSON.parse lets through in silence and a header may not have. */
export interface JsonFaults {
  /** The first key that comes twice in one object, at any depth. */
  twice?: string;
  /** The first number that is written otherwise than as digits: with a sign, a point, an exponent. */
  number?: string;
}

/** Looks through a JSON text for keys that come twice and for numbers that are not plain digits. One pass, linear in the text.    @param text  valid JSON */
export function scanJson(text: string): JsonFaults {
  const faults: JsonFaults = {};
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
        if (keys.has(key)) faults.twice ??= key;
        keys.add(key);
      }
      i = end - 1;
    } else if (mark === "-" || isDigit(mark)) {
      const end = endOfNumber(text, i);
      const number = text.slice(i, end);
      if (!/^\d+$/.test(number)) faults.number ??= number;
      i = end - 1;
    }
  }
  return faults;
}

const isDigit = (mark: string): boolean => mark >= "0" && mark <= "9";

function endOfNumber(text: string, start: number): number {
  let i = start;
  while (i < text.length && /[-+.eE0-9]/.test(text[i])) i++;
  return i;
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
