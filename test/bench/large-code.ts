/** Texts of plugins of three megabytes, of the kinds that are slow to read in different ways. */

const SIZE = 3_000_000;

/** Parts with a separator between them, up to the size. */
function filled(part: (n: number) => string): string {
  const parts: string[] = [];
  for (let length = 0, n = 0; length < SIZE; n++) {
    const text = part(n);
    parts.push(text);
    length += text.length + 1;
  }
  return parts.join('\n');
}

const WORDS = 'the text of a plugin that has much to say, ';

/** Statements of each kind. Every one is valid, and none takes long to run. */
export const LARGE_CODES: Readonly<Record<string, string>> = {
  'many functions': filled(
    (n) => `function render${n}(value) { return { index: ${n}, cells: [value, value * ${n}] }; }`,
  ),
  'one long string': `const text = '${WORDS.repeat(SIZE / WORDS.length)}';`,
  'many template parts': `const value = 1; const text = \`${filled((n) => `part ${n} is \${value}`)}\`;`,
  'one long comment': `/* ${WORDS.repeat(SIZE / WORDS.length)} */`,
  'many divisions': `const value = 2; let sum = 0; ${filled((n) => `sum += value / ${n + 1} / value;`)}`,
};
