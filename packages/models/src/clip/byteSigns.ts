/** GPT-2's printable sign for each byte: itself where it is printable, from 256 up in order of the others. Byte-level vocabularies are written in them. */
export const byteSigns: readonly string[] = (() => {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();
