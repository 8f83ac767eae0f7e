/** The code that a package's README shows. */
import { readFileSync } from 'node:fs';

/** The first block of a language in the README of a package. */
export function codeOf(name: string, language: 'ts' | 'json'): string {
  const text = readFileSync(new URL(`../../${name}/README.md`, import.meta.url), 'utf8');
  const code = text.split(`\`\`\`${language}\n`)[1]?.split('```')[0];
  if (code === undefined) throw new Error(`the README of ${name} shows no ${language}`);
  return code;
}
