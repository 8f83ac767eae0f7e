/** Finds links of a built site that lead nowhere: to a file, or to a place in a page. */
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** What was checked, and what is wrong: `page → link`. */
export interface CheckedLinks {
  readonly files: number;
  readonly dead: readonly string[];
}

const LINK = /\s(?:href|src)="([^"]+)"/g;
const decode = (text: string) => {
  try {
    return decodeURIComponent(text.replaceAll('&amp;', '&'));
  } catch {
    return text;
  }
};

/** The file that a static server answers a path with. */
function fileOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) return path;
  const index = join(path, 'index.html');
  return existsSync(index) ? index : undefined;
}

/** Checks each page of a folder that a static server serves at `/`. */
export async function checkLinks(folder: string): Promise<CheckedLinks> {
  const pages = (await readdir(folder, { recursive: true })).filter((one) => one.endsWith('.html'));
  const texts = new Map<string, string>();
  for (const page of pages) {
    const path = join(folder, page);
    texts.set(path, await readFile(path, 'utf8'));
  }
  const ids = new Map<string, ReadonlySet<string>>();
  const idsOf = (path: string) => {
    const text = texts.get(path) ?? '';
    const known =
      ids.get(path) ??
      new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decode(id ?? '')));
    ids.set(path, known);
    return known;
  };
  const dead: string[] = [];
  for (const [page, text] of texts) {
    for (const [, link = ''] of text.matchAll(LINK)) {
      if (/^(?:[a-z]+:|\/\/)/i.test(link)) continue;
      const [path = '', place = ''] = decode(link).split('#');
      const bare = path.replace(/\?.*$/, '');
      const target =
        bare === ''
          ? page
          : fileOf(bare.startsWith('/') ? join(folder, bare) : join(dirname(page), bare));
      if (target === undefined || (place !== '' && texts.has(target) && !idsOf(target).has(place)))
        dead.push(`${relative(folder, page)} → ${link}`);
    }
  }
  return { files: texts.size, dead: [...new Set(dead)] };
}
