/**
 * Reads the files of a template from `templates/`. A plugin's code is the same text in TypeScript
 * and in JavaScript, because its types are inferred; only names of files differ.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { filesIn } from '../files/write-files.js';
import { VERSION } from '../version.js';

/** The languages that projects are written in. */
export const LANGUAGES = ['ts', 'js'] as const;

/** A language, which is also the extension of its files. */
export type Language = (typeof LANGUAGES)[number];

/** The templates, with a line each for choosing one. */
export const TEMPLATES = {
  minimal: 'one plugin with contract and test',
  http: 'one plugin that answers HTTP',
  ui: 'one plugin with a view',
  'app-node': 'a Node application with a plugin',
  'app-vite': 'a page with a plugin, built by Vite',
  'app-react': 'a React page with a plugin, built by Vite',
} as const;

/** The name of a template. */
export type TemplateName = keyof typeof TEMPLATES;

/** What a project is made with. */
export interface TemplateFacts {
  readonly template: TemplateName;
  readonly language: Language;
  /** The plugin's id. Its last word names folders and packages. */
  readonly id: string;
}

/** What a template is made of. */
interface Shape {
  /** Folders of `templates`, and where they go. */
  readonly parts: (place: string) => readonly (readonly [part: string, into: string])[];
  /** The folder of plugins that its tests look in; undefined for a plugin alone. */
  readonly plugins: string | undefined;
}

const application = (own: string): Shape => ({
  parts: (place) => [
    [own, ''],
    ['plugin', place],
    ['test', 'test/'],
  ],
  plugins: './dist/plugins',
});

const SHAPES: Readonly<Record<TemplateName, Shape>> = {
  minimal: { ...application('minimal'), plugins: undefined },
  http: { parts: () => [['http', '']], plugins: undefined },
  ui: { parts: () => [['ui', '']], plugins: undefined },
  'app-node': application('app-node'),
  'app-vite': application('app-vite'),
  'app-react': application('app-react'),
};

/** The files of a project by path. */
export async function readTemplate(facts: TemplateFacts): Promise<ReadonlyMap<string, string>> {
  const { template } = facts;
  const word = wordOf(facts);
  const { parts, plugins } = SHAPES[template];
  const place = plugins === undefined ? '' : `plugins/${word}/`;
  const fill = fillerOf(facts, place);
  const files = new Map<string, string>();
  for (const [part, into] of parts(place)) {
    const folder = fileURLToPath(new URL(`../../templates/${part}/`, import.meta.url));
    for (const name of await filesIn(folder)) {
      const text = await readFile(`${folder}${name}`, 'utf8');
      files.set(into + fill(pathOf(name, facts)), textOf(fill(text), facts));
    }
  }
  return files;
}

const wordOf = ({ id }: TemplateFacts) => id.split('.').at(-1) as string;

/** npm leaves a `.gitignore` out of packages. */
const pathOf = (name: string, { language }: TemplateFacts) =>
  name.replace(/^gitignore$/, '.gitignore').replace(/\.ts(x?)$/, `.${language}$1`);

function textOf(text: string, { language }: TemplateFacts): string {
  if (language === 'ts') return text;
  return text
    .replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'")
    .replace('"allowImportingTsExtensions": true', '"allowJs": true,\n    "checkJs": true');
}

/** Replaces the marks of templates. */
function fillerOf(facts: TemplateFacts, place: string): (text: string) => string {
  const word = wordOf(facts);
  const up = place === '' ? './' : '../../';
  const values: Readonly<Record<string, string>> = {
    ID: facts.id,
    WORD: word,
    NAME: word.split('-').map(capital).join(''),
    TITLE: capital(word).replaceAll('-', ' '),
    EXT: facts.language,
    PLINTH: `^${VERSION}`,
    SCHEMA: `${up}node_modules/@plinth/sdk/plugin.schema.json`,
    PLUGINS: SHAPES[facts.template].plugins ?? './dist',
    CONTRACT: `../${place}src/contract.ts`,
  };
  return (text) => text.replaceAll(/__([A-Z]+)__/g, (mark, name: string) => values[name] ?? mark);
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
