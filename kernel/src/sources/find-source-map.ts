/** Finds the source map that a bundle names: inline in its last lines, or in a file beside it. */
import type { PluginPackage } from '../host.js';
import { MAX_MAP, type Pause } from '../telemetry/source-map.js';
import { placeOf } from './package-snapshots.js';

const MARK = 'sourceMappingURL=';
/** Characters of base64 that are decoded at a time. */
const CHUNK = 262_144;

/** The text of the map. Undefined when there is none. Rejects when it can't be read. */
export async function findSourceMap(
  found: PluginPackage,
  main: string,
  code: string,
  pause: Pause,
): Promise<string | undefined> {
  const at = code.lastIndexOf(MARK);
  if (at === -1 || !/\/[/*][#@]\s$/.test(code.slice(Math.max(0, at - 4), at))) return undefined;
  const start = at + MARK.length;
  const length = code.slice(start).search(/[\s'"]|$/);
  const url = code.slice(start, start + length);
  if (url.startsWith('data:')) return inline(url, pause);
  const path = beside(main, url);
  return path === undefined ? undefined : linked(placeOf(found), main, code, path);
}

async function inline(url: string, pause: Pause): Promise<string | undefined> {
  const comma = url.indexOf(',');
  if (comma === -1 || url.length > MAX_MAP * 1.4) return undefined;
  if (!url.slice(0, comma).endsWith(';base64')) return decodeURIComponent(url.slice(comma + 1));
  const decoder = new TextDecoder();
  let text = '';
  for (let from = comma + 1; from < url.length; from += CHUNK) {
    const binary = atob(url.slice(from, from + CHUNK));
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    text += decoder.decode(bytes, { stream: true });
    await pause();
  }
  return text;
}

/** A file of the package beside the bundle. Paths that leave the package are refused. */
function beside(main: string, url: string): string | undefined {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  if (path === '' || path.length > 512 || /^[/\\]|^[a-z][a-z0-9+.-]*:|\\/i.test(path))
    return undefined;
  const parts = main.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

/**
 * The map beside the running bundle. When the bundle was replaced since, the map belongs to the new
 * one and isn't used.
 */
async function linked(
  place: PluginPackage,
  main: string,
  code: string,
  path: string,
): Promise<string | undefined> {
  if ((await place.code(main)) !== code) return undefined;
  return place.read === undefined
    ? place.code(path, MAX_MAP)
    : new TextDecoder().decode(await place.read(path, MAX_MAP));
}
