/** The projects that pages of the guide show: files with their paths, and what they print. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundlePlugin } from '@plinth/cli';

/** What a page shows. */
export interface GuideProject {
  /** Texts of its files, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What its program prints, if the page says it. */
  readonly prints?: string;
}

const FILE = /^`([\w./-]+\.\w+)`:\n\n```\w+\n([\s\S]*?)```/gm;
const PRINTS = /^It prints:\n\n```text\n([\s\S]*?)```/m;

/** Reads the project of a page: each code block under the name of its file. */
export async function readProject(page: string): Promise<GuideProject> {
  const text = await readFile(page, 'utf8');
  const files = new Map(
    [...text.matchAll(FILE)].map(([, path, code]) => [path as string, code as string]),
  );
  const prints = PRINTS.exec(text)?.[1];
  return prints === undefined ? { files } : { files, prints };
}

/** Writes files into a folder, by their paths. */
async function writeAll(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Writes a project into a folder, and bundles its plugins into `dist/plugins`, as pages say. */
export async function buildProject(folder: string, { files }: GuideProject): Promise<void> {
  await writeAll(folder, files);
  const plugins = [...files.keys()].flatMap(
    (path) => /^plugins\/([\w-]+)\/plugin\.json$/.exec(path)?.[1] ?? [],
  );
  for (const name of plugins) {
    const bundle = await bundlePlugin(join(folder, 'plugins', name));
    await writeAll(join(folder, 'dist/plugins', name), bundle.files);
  }
}
